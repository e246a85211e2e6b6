terraform {
  required_providers {
    google = {
      source                = "hashicorp/google"
      configuration_aliases = [google.billing]
    }
  }
}

variable "name" {
  description = "What stands in the names of its parts: prod, staging."
  type        = string
}

variable "project" {
  description = "The project."
  type        = string
}

variable "serves" {
  description = "Whether it has a machine, a database and alerts, or its secrets and its budget only."
  type        = bool
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "zone" {
  description = "Where the machine is."
  type        = string
}

variable "directory" {
  description = "Where the application is kept on the machine."
  type        = string
}

variable "database" {
  description = "Name of the Cloud SQL instance."
  type        = string
}

variable "secrets" {
  description = "Names of the secrets."
  type        = set(string)
}

variable "health" {
  description = "The health address, and what `status` in its body must say."
  type = object({
    host   = string
    path   = string
    status = string
  })
}

variable "startup_script" {
  description = "What the machine runs at each start, the whole text."
  type        = string
}

variable "deploy_login" {
  description = "The login of the account that deploys, as OS Login calls it."
  type        = string
}

variable "deploy_account" {
  description = "The account that deploys, as an IAM member."
  type        = string
}

variable "repository" {
  description = "Where images are pulled from: project, location and name."
  type = object({
    project  = string
    location = string
    name     = string
  })
}

variable "alert_email" {
  description = "Who is told of alerts."
  type        = string
}

variable "billing_account" {
  description = "The billing account that pays."
  type        = string
}

variable "monthly_usd" {
  description = "What it may cost in a month, in US dollars."
  type        = number
}
