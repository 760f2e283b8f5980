#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Ten million random operations on the core and on the model of the contract.
KCOV_MODEL_OPERATIONS=10000000 KCOV_MODEL_SEED=${KCOV_SEED:-2026} exec "$KCOV_BUILD/kcov_model_test"
