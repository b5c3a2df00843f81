{#-
Records of testers and staff, by the seed test_identities: they stay in staging, marked with the reason, and go no
further. Three joins that a staging model writes after its other ones; `email` and `name` are normalised expressions.
-#}
{% macro join_test_identities(email, name) -%}
left join {{ ref('test_identities') }} as test_domain
    on
        test_domain.attribute = 'email_domain'
        and {{ email_domain(email) }} = test_domain.value
left join {{ ref('test_identities') }} as test_mailbox
    on
        test_mailbox.attribute = 'mailbox'
        and {{ mailbox(email) }} = test_mailbox.value
left join {{ ref('test_identities') }} as test_name
    on
        test_name.attribute = 'name'
        and {{ name }} = test_name.value
{%- endmacro %}

{% macro is_test() -%}
    coalesce(test_domain.value, test_mailbox.value, test_name.value) is not null
{%- endmacro %}

{% macro test_reason() -%}
    coalesce(test_domain.meaning, test_mailbox.meaning, test_name.meaning)
{%- endmacro %}
