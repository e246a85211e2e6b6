"""What is registered with Prefect, and what starts it: environments, registration, trigger.

No decision about a release stands here; the flows and `rollout` make those.
"""
