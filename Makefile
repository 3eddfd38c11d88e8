# One word for each thing an operator does. INVENTORY=inventory/mine works on another inventory; ARGS= adds to ansible-playbook.
INVENTORY ?= inventory/docker
ARGS ?=
CONFIRM ?= no
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# output as it comes, also into a pipe
export PYTHONUNBUFFERED := 1
PLAY = ansible-playbook -i $(INVENTORY)
# containers need an engine on this machine, servers don't
ENGINE = $(if $(wildcard $(INVENTORY)/hosts_containers.yml),$(PLAY) playbooks/engine.yml)

# what judges hosts whatever made them, and what only a machine with a kernel of its own can show
ON_MACHINES = $(addprefix tests/cluster/, test_deployment.py test_host.py test_reboot.py)

.DEFAULT_GOAL := help
.PHONY: help up down destroy status password test test-vm lint bench loadtest bootstrap bootstrap-dev

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap:
	@scripts/bootstrap

bootstrap-dev:
	@scripts/bootstrap dev

up: bootstrap ## Bring the whole cluster up, or up to date, and verify it
	@$(ENGINE)
	@$(PLAY) site.yml $(ARGS)
	@$(PLAY) playbooks/welcome.yml $(ARGS)

status: bootstrap ## Show who is who and who is well
	@$(PLAY) playbooks/status.yml $(ARGS)

password: bootstrap ## Show the first user's login and password
	@ansible -i $(INVENTORY) localhost -m ansible.builtin.debug -a "msg={{ webapp_admin_username ~ ':' ~ vault_webapp_admin_password if webapp_admin_username else 'the application has no first user' }}" $(ARGS)

down: bootstrap ## Remove the containers; the data stay
	@$(PLAY) playbooks/down.yml $(ARGS)

destroy: bootstrap ## Remove the containers and the data (asks; CONFIRM=yes for scripts)
	@$(PLAY) playbooks/destroy.yml -e destroy_data=true $(if $(filter yes,$(CONFIRM)),-e destroy_confirm=yes) $(ARGS)

loadtest: bootstrap ## Load the cluster with ab and show each node's share
	@$(PLAY) playbooks/loadtest.yml $(ARGS)

lint: bootstrap-dev ## Run the linters
	@python scripts/test ruff ruff-format mypy mypy-browser mypy-byo mypy-scaling mypy-webapp yamllint shellcheck ansible-lint collect collect-byo

test: bootstrap-dev ## Run every check there is
	@$(ENGINE)
	@python scripts/test

# machines that fail are left running, to be looked at: scripts/vm-hosts ssh NAME
test-vm: bootstrap-dev ## Deploy on virtual machines by ssh, test hosts and deployment, reboot every machine
	@python scripts/vm-hosts down
	@python scripts/vm-hosts up
	@ansible-playbook -i inventory/vm site.yml $(ARGS)
	@INVENTARIO_TEST_PATIENCE=10 python -m pytest -q -p no:cacheprovider --cluster=running --cluster-inventory=inventory/vm $(ON_MACHINES)
	@python scripts/vm-hosts down

bench: bootstrap-dev ## Measure this machine's cluster; keeps the figures in build/bench
	@$(ENGINE)
	@python -m bench
