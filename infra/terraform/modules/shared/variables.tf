variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where images and state are."
  type        = string
}

variable "github_repository" {
  description = "The application's repository, as owner/name: the only one that is let in."
  type        = string
}

variable "branch" {
  description = "The only branch that is let in."
  type        = string
}
