#!/bin/sh
# Types, lint, format, words and spelling; warnings are errors.
set -eu
cd "$(dirname "$0")/.."
npx tsc -p .
npx eslint --max-warnings 0 .
npx prettier --check --log-level warn .
.venv/bin/ruff check ansible test
.venv/bin/ruff format --check ansible test
.venv/bin/mypy
npm run --silent generate -- --check
.venv/bin/python test/words.py
git ls-files -z ':!test' ':!package-lock.json' ':!LICENSE' | xargs -0 .venv/bin/codespell -q 3 --ignore-words test/spelling.txt
ANSIBLE_CONFIG="$PWD/ansible/ansible.cfg" .venv/bin/ansible-playbook --syntax-check ansible/site.yml
cd ansible && ANSIBLE_CONFIG="$PWD/ansible.cfg" PATH="$PWD/../.venv/bin:$PATH" ../.venv/bin/ansible-lint --offline --strict site.yml
