{{ config(materialized='view', pre_hook=[]) }}

select
    customer_id,
    moved_date
from {{ source('identity', 'moved_customers') }}
