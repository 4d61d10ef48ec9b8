"""Records forbidden operations in the audit log. A refusal rolls its transaction back, so it needs another one."""

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.policy import RefusalAction
from oms.domain.audit.repeats import Repeats
from oms.domain.vocabulary.errors import Code, Refused


class RefusalRecorder(Repeats):
    """The audit entry's subject is the refusal's reason."""

    def add(self, viewer: Viewer, refusal: Refused) -> None:
        """Counts each FORBIDDEN problem; ignores other codes."""
        forbidden = (problem for problem in refusal.problems if problem.code == Code.FORBIDDEN)
        for reason, message in {(problem.reason.name, problem.message) for problem in forbidden}:
            self.count(
                viewer,
                (reason, message),
                lambda times, reason=reason, message=message: Entry(  # type: ignore[misc]
                    RefusalAction.OperationRefused, reason, after={"times": times}, reason=message
                ),
            )
