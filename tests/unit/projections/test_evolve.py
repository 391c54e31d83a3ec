"""Which facts change which tables: a new one is put into this list before it can pass."""

from collections.abc import Mapping
from importlib import import_module
from typing import get_args

import pytest

from projections.registry import TABLES
from projections.rules import by_kind, on
from schemas import facts

CHANGES: Mapping[type, str] = {
    facts.ChatStarted: "chats sessions",
    facts.ProfileChanged: "chats",
    facts.AliasLearned: "",
    facts.ChatMoved: "chats",
    facts.ChatMerged: "chats",
    facts.ConversationOpened: "conversations",
    facts.MessageReceived: "chats conversations messages sessions processed_events",
    facts.MessageEdited: "messages processed_events",
    facts.MessageDeleted: "messages processed_events",
    facts.NoticeRecorded: "processed_events",
    facts.InputUnrecognised: "processed_events",
    facts.HandlerFailed: "",
    facts.QuestionAsked: "",
    facts.QuestionAnswered: "",
    facts.ReplyGenerated: "conversations messages sessions",
    facts.MessageSent: "chats messages delivery_attempts",
    facts.MessageSendFailed: "messages delivery_attempts",
    facts.MessageSendUnconfirmed: "messages delivery_attempts",
    facts.MessageStatusReported: "messages processed_events",
    facts.ModeEntered: "sessions",
    facts.ModeLeft: "sessions",
    facts.ConversationClosing: "conversations",
    facts.ConversationClosed: "conversations",
    facts.MessageImported: "conversations messages processed_events",
    facts.EchoHeld: "processed_events",
    facts.EchoRecognised: "messages processed_events",
    facts.MessageSendConfirmed: "chats messages delivery_attempts",
    facts.ConfirmationTimedOut: "delivery_attempts",
    facts.MessageSendWithheld: "messages delivery_attempts",
    facts.RetryScheduled: "delivery_attempts",
    facts.LaterRepliesReleased: "",
    facts.RetryStarted: "messages delivery_attempts",
    facts.RetryRequested: "messages delivery_attempts",
    facts.FallbackChosen: "messages delivery_attempts delivery_fallbacks",
    facts.DeliveryAbandoned: "delivery_attempts",
    facts.SendRequested: "",
    facts.CloseRequested: "",
    facts.CommandRefused: "",
    facts.BotPaused: "sessions",
    facts.BotResumed: "sessions",
    facts.MediaJobRequested: "processing_jobs",
    facts.MediaStored: "messages processing_jobs",
    facts.MediaTranscribed: "messages processing_jobs",
    facts.MediaTextExtracted: "messages processing_jobs",
    facts.MediaDescribed: "messages processing_jobs",
    facts.ModelCalled: "model_calls",
    facts.JobFailed: "processing_jobs job_failures",
    facts.JobRetryScheduled: "processing_jobs",
    facts.JobRetryStarted: "processing_jobs",
    facts.JobRetryRequested: "processing_jobs",
    facts.JobAbandoned: "processing_jobs",
    facts.AssistantJoined: "",
    facts.AnswerAwaited: "",
    facts.AnswerRequested: "processing_jobs",
    facts.AnswerGiven: "messages processed_events processing_jobs",
    facts.AnswerDiscarded: "processed_events processing_jobs",
    facts.SummaryRequested: "processing_jobs",
    facts.ConversationSummarised: "chats conversations processing_jobs",
    facts.PromptAsked: "processing_jobs",
    facts.PromptAnswered: "processing_jobs",
    facts.TemplateChosen: "messages",
}
"""Of every fact the tables that it changes; all others ignore it on purpose."""


def test_every_fact_is_handled_or_ignored_on_purpose_by_every_table() -> None:
    assert set(CHANGES) == set(get_args(facts.Fact))
    for table in TABLES.tables:
        rules = import_module(f"projections.evolve.{table.name}").RULES
        wanted = {kind for kind, names in CHANGES.items() if table.name in names.split()}
        assert {rule.kind for rule in rules} == wanted, table.name


def test_the_projection_is_given_what_any_table_handles() -> None:
    assert TABLES.handles == {kind for kind, names in CHANGES.items() if names}


def test_a_table_has_one_rule_for_a_fact() -> None:
    rule = on(facts.ModeLeft, lambda recorded, fact: ())  # changes nothing
    with pytest.raises(AssertionError, match="two rules"):
        by_kind([(rule, rule)])
