#!/bin/sh
# MLflow reads its database from the environment or from the command line; here only from its own environment, filled
# from a file, so that no secret stands in compose.yml, in `docker inspect` or in the list of processes.
set -eu
MLFLOW_BACKEND_STORE_URI="$(cat /var/lib/mlflow/secrets/database_url)"
MLFLOW_FLASK_SERVER_SECRET_KEY="$(cat /var/lib/mlflow/secrets/session_key)"
export MLFLOW_BACKEND_STORE_URI MLFLOW_FLASK_SERVER_SECRET_KEY
exec mlflow server --app-name basic-auth --host 0.0.0.0 --port 5000 --workers 2 \
    --serve-artifacts --artifacts-destination /var/lib/mlflow/artifacts
