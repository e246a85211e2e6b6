variable "project" {
  description = "The project."
  type        = string
}

variable "email" {
  description = "Who is told."
  type        = string
}

variable "instance_id" {
  description = "The machine's number."
  type        = string
}

variable "health" {
  description = "The health address, and what `status` in its body must say; null watches the machine only."
  type = object({
    host   = string
    path   = string
    status = string
  })
  default = null
}
