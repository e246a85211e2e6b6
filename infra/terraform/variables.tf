variable "billing_account" {
  description = "The billing account that pays, as 000000-000000-000000."
  type        = string
}

variable "alert_email" {
  description = "Who is told of alerts."
  type        = string
}

variable "shared_project" {
  description = "The project of what serves every environment: state, images, GitHub's identity, operations."
  type        = string
  default     = "trovella-shared"
}

variable "production_project" {
  description = "The project that users are served from."
  type        = string
  default     = "trovella-prod"
}

variable "staging_project" {
  description = "The project of staging."
  type        = string
  default     = "trovella-staging"
}

variable "staging_serves" {
  description = "Whether staging has a machine and a database; without them it has its secrets and its budget."
  type        = bool
  default     = false
}

variable "staging_host" {
  description = "The name that staging answers under."
  type        = string
  default     = "staging.trovella.ai"
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "us-central1"
}

variable "zone" {
  description = "Where the machines are; in the region."
  type        = string
  default     = "us-central1-a"
}
