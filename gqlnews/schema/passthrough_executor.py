"""Execution context that passes finished JSON through instead of completing it field by field."""

from typing import Any

import orjson
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gqlnews.time_budget import check_time_budget


class PassthroughExecutor(StrawberryGraphQLCoreExecutionContext):
    """Return `orjson.Fragment` results as they are. Raises TimeBudgetExceeded."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        check_time_budget()
        if isinstance(result, orjson.Fragment):
            return result
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
