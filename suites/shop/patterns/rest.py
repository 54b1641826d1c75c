"""Services that call one another, and so stand and fall together: see `calls.py` of the services."""

from harness.model.scenario import Pattern

from .shared import BEFORE, EFFECTS, ORDER, REQUEST

LOST_ANSWER = "answer-lost"

REST_SYNC = Pattern(
    name="rest-sync",
    promises="nothing: calls the others, then commits the order; what fails halfway stays half done",
    writer="order",
    publisher="order",
    environment={"PATTERN": "rest-sync"},
    controls={
        BEFORE: "services-agree",
        LOST_ANSWER: "effect-at-most-once",
        "review-hangs": "effect-at-most-once",
        "notification-hangs": "effect-at-most-once",
    },
    points={
        BEFORE: "kill:order:before:order/order-db/commit(orders,*)",
        LOST_ANSWER: "swallow:order:after:order/payment/http(POST:/events)",
    },
    faults=("none", BEFORE, LOST_ANSWER),
    hops=(REQUEST, ORDER, *EFFECTS),
    invariants=("rest", "events/acknowledged-means-durable"),
)
