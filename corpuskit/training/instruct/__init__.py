"""Instruction tuning: demonstrations, rewards from preferences, reinforcement learning, and what they bring."""

from corpuskit.training.instruct.alternatives import optimize_groups, optimize_preferences
from corpuskit.training.instruct.answering import answer_texts
from corpuskit.training.instruct.chat import Chat, user
from corpuskit.training.instruct.config import (
    DpoConfig,
    GainsConfig,
    GrpoConfig,
    InstructConfig,
    LoraPolicy,
    PpoConfig,
    RewardConfig,
    SftConfig,
)
from corpuskit.training.instruct.dialogues import (
    Demonstration,
    Message,
    Preference,
    Reader,
    demonstrations,
    read_demonstrations,
    read_preferences,
    read_prompts,
)
from corpuskit.training.instruct.gains import Gains, measure_gains
from corpuskit.training.instruct.policy import load_policy
from corpuskit.training.instruct.ppo import PpoResult, reinforce
from corpuskit.training.instruct.reward import (
    Reward,
    RewardModel,
    RewardResult,
    load_reward_model,
    right_answers,
    train_reward_model,
)
from corpuskit.training.instruct.sft import SftResult, finetune_on_demonstrations
from corpuskit.training.instruct.tasks import shipped_file

__all__ = [
    "Chat",
    "Demonstration",
    "DpoConfig",
    "Gains",
    "GainsConfig",
    "GrpoConfig",
    "InstructConfig",
    "LoraPolicy",
    "Message",
    "PpoConfig",
    "PpoResult",
    "Preference",
    "Reader",
    "Reward",
    "RewardConfig",
    "RewardModel",
    "RewardResult",
    "SftConfig",
    "SftResult",
    "answer_texts",
    "demonstrations",
    "finetune_on_demonstrations",
    "load_policy",
    "load_reward_model",
    "measure_gains",
    "optimize_groups",
    "optimize_preferences",
    "read_demonstrations",
    "read_preferences",
    "read_prompts",
    "reinforce",
    "right_answers",
    "shipped_file",
    "train_reward_model",
    "user",
]
