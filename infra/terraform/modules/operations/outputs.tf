output "address" {
  description = "The machine's static address."
  value       = module.host.address
}

output "account" {
  description = "The account that deploys, as an IAM member."
  value       = module.host.account
}

output "login" {
  description = "How OS Login calls that account on the hosts."
  value       = module.host.login
}

output "prefect_auth_secret" {
  description = "Full name of the secret with the login of Prefect's server."
  value       = module.secrets.ids["trovella-prefect-auth"]
}
