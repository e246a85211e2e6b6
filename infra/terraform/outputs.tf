output "production_address" {
  description = "What the A records of the site name."
  value       = module.production.address
}

output "staging_address" {
  description = "What the A record of staging points to; empty where it does not serve."
  value       = module.staging.address
}

output "operations_address" {
  description = "What the A record of Prefect's name points to."
  value       = module.operations.address
}

output "deploy_login" {
  description = "User of the target-host block: the operations machine's account, as OS Login calls it."
  value       = module.operations.login
}

output "database_connection" {
  description = "CLOUD_SQL_CONNECTION_NAME of the environment's file."
  value       = module.production.database_connection
}

output "wif_provider" {
  description = "WIF_PROVIDER of GitHub's variables."
  value       = module.shared.wif_provider
}

output "wif_service_account" {
  description = "WIF_SERVICE_ACCOUNT of GitHub's variables."
  value       = module.shared.ci_account
}

output "prefect_auth_secret" {
  description = "PREFECT_AUTH_SECRET of GitHub's variables."
  value       = module.operations.prefect_auth_secret
}
