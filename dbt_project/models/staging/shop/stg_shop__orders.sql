with delivered as (
    {{ accepted_rows('shop', 'orders', [
        'order_no', 'account_id', 'ordered_at', 'status', 'total_cents', 'discount_cents', 'voucher_code',
        'promised_date', 'ship_to_name', 'ship_to_street', 'ship_to_postcode', 'ship_to_town', 'updated_at'
    ]) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('updated_at')) }} as status_known_date,
        {{ known_by_then(iso_moment('ordered_at')) }} as row_known_date
    from delivered
)

select
    {{ told('order_no') }} as order_id,
    {{ told('account_id') }} as account_id,
    {{ iso_moment('ordered_at') }} as ordered_at,
    lower({{ told('status') }}) as status,
    cast(round(cast({{ told('total_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as total_eur,
    cast(round(cast({{ told('discount_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as discount_eur,
    {{ told('voucher_code') }} as voucher_code,
    cast({{ told('promised_date') }} as date) as promised_date,
    {{ told('ship_to_name') }} as ship_to_name,
    names.normalised_value as ship_to_name_key,
    {{ told('ship_to_street') }} as ship_to_street,
    streets.normalised_value as ship_to_street_key,
    {{ told('ship_to_postcode') }} as ship_to_postcode,
    postcodes.normalised_value as ship_to_postcode_key,
    {{ told('ship_to_town') }} as ship_to_town,
    towns.normalised_value as ship_to_town_key,
    {{ is_test() }} as is_test,
    {{ test_reason() }} as test_reason,
    {{ iso_moment('updated_at') }} as updated_at,
    status_known_date,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{{ join_normalised('names', 'person_name', 'dated.ship_to_name') }}
{{ join_normalised('streets', 'street', 'dated.ship_to_street') }}
{{ join_normalised('postcodes', 'postcode', 'dated.ship_to_postcode') }}
{{ join_normalised('towns', 'town', 'dated.ship_to_town') }}
{{ join_test_identities('null', 'names.normalised_value') }}
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
