"""Tests, by behaviour. The folders mirror the package; e2e/ has whole runs in processes of their own."""
