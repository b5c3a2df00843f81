"""Gates on what dbt hands to everybody."""
