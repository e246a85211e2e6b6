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

variable "image" {
  description = "The image's name in the repository: what the ledger may name of it is kept."
  type        = string
}

variable "label" {
  description = "The tag that is moved to an image once it was verified."
  type        = string
}
