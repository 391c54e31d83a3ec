"""Creates the topics of a deployment, and says what is wrong with those that exist."""

from chatfold.topics.admin import Applied, apply, read, remove, verify
from chatfold.topics.plan import Plan, Problem, TopicState, compare, plan, sentences

__all__ = [
    "Applied",
    "Plan",
    "Problem",
    "TopicState",
    "apply",
    "compare",
    "plan",
    "read",
    "remove",
    "sentences",
    "verify",
]
