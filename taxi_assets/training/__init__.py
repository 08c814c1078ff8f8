"""Search spaces, tuning, fitting, evaluation, and the files of a model. Knows no tracker and no scheduler."""
