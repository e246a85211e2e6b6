output "address" {
  description = "Its static address."
  value       = google_compute_address.static.address
}

output "instance" {
  description = "The machine's name."
  value       = google_compute_instance.host.name
}

output "instance_id" {
  description = "The machine's number, as metrics name it."
  value       = google_compute_instance.host.instance_id
}

output "account" {
  description = "Its service account as an IAM member."
  value       = google_service_account.vm.member
}

output "account_name" {
  description = "Full name of its service account."
  value       = google_service_account.vm.name
}

output "login" {
  description = "How OS Login calls its service account on other machines."
  value       = "sa_${google_service_account.vm.unique_id}"
}
