variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where its address is."
  type        = string
}

variable "zone" {
  description = "Where the machine is."
  type        = string
}

variable "startup_script" {
  description = "What the machine runs at each start, the whole text."
  type        = string
}

variable "repository" {
  description = "Where images are pushed to: project, location and name."
  type = object({
    project  = string
    location = string
    name     = string
  })
}

variable "ci_account" {
  description = "Address of the account that GitHub's workflows become."
  type        = string
}

variable "alert_email" {
  description = "Who is told of alerts."
  type        = string
}
