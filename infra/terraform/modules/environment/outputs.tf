output "address" {
  description = "The machine's static address; empty where the environment does not serve."
  value       = var.serves ? module.host[0].address : ""
}

output "database_connection" {
  description = "What the Auth Proxy is given; empty where the environment does not serve."
  value       = var.serves ? module.database[0].connection : ""
}
