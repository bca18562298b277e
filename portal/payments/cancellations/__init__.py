"""Why a booking was cancelled, and what it has really cost: never more than the conditions keep."""
