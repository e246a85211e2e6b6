"""The domain of trovella-deploy: what a release is and how one comes to serve.

Three rings live here. `model` and `errors` are values. `decide`, `commands`, `render` and
`migrations` take facts and return values. `executors` alone touch the world. Nothing in this
package imports Prefect, so every decision can be tested without it.
"""
