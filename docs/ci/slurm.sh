#!/bin/sh
# Proof on a batch system (Slurm), by a job array: sbatch docs/ci/slurm.sh
# The shard comes from SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_COUNT: no option is needed.
# When all are done: prover merge "shards-$JOB", on any machine that sees the folder.
#SBATCH --job-name=proof
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --time=02:00:00
set -eu
exec prover prove claims.toml --results "shards-$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID"
