"""Parse the documents of a front end and collect their operations and fragments.

The fragments of all files are known together, as in Relay and in the client preset of GraphQL Code Generator.
"""

import re
from dataclasses import dataclass, field

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    InterfaceTypeExtensionNode,
    ObjectTypeExtensionNode,
    OperationDefinitionNode,
    TypeDefinitionNode,
    parse,
)
from graphql.language import NameNode

from gqlnews.errors import Code
from gqlnews.operations.extract import GRAPHQL_SUFFIXES, UncheckedSource
from gqlnews.operations.findings import Finding, FindingCode, to_finding_code
from gqlnews.operations.sources import EmbeddedSource, error_places, node_place

_FRAGMENT = re.compile(r"\bfragment\s+([_A-Za-z]\w*)\s+on\b", re.ASCII)
_WITHOUT_CONTENT = re.compile(r"(?:#[^\n\r]*|[\s,\ufeff])*")

LONE_ANONYMOUS = "An operation without a name must be the only one of its document: give it a name."


@dataclass(slots=True)
class FrontEnd:
    """The definitions of a front end.

    `fragments` has the first fragment of each name. `unknown` are names of fragments in documents that cannot
    be parsed. `directives`, `fields` (type and name) and `types` are declared by the front end's own SDL:
    a copy of the server's schema, or extensions that only the client knows. `files` have documents.
    """

    operations: list[OperationDefinitionNode] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    further_fragments: list[FragmentDefinitionNode] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    directives: set[str] = field(default_factory=set)
    fields: set[tuple[str, str]] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    _operation_names: dict[str, OperationDefinitionNode] = field(default_factory=dict)

    @property
    def all_fragments(self) -> list[FragmentDefinitionNode]:
        return [*self.fragments.values(), *self.further_fragments]

    def add(self, source: EmbeddedSource) -> None:
        """Parse a document and add its definitions."""
        if isinstance(source, UncheckedSource):
            self._add_unknown(source)
            return
        if source.file.path.endswith(tuple(GRAPHQL_SUFFIXES)) and _WITHOUT_CONTENT.fullmatch(source.body):
            return
        try:
            document = parse(source)
        except GraphQLError as error:
            place = error_places(error)[0]
            self.findings.append(Finding(place, to_finding_code(Code.PARSE_FAILED), error.message))
            self._add_unknown(source)
            return
        self._add_definitions(document)

    def _add_unknown(self, source: EmbeddedSource) -> None:
        self.files.add(source.file.path)
        self.unknown.update(_FRAGMENT.findall(source.body))

    def _add_definitions(self, document: DocumentNode) -> None:
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        for definition in document.definitions:
            match definition:
                case OperationDefinitionNode():
                    self._add_operation(definition, is_alone=len(operations) == 1)
                case FragmentDefinitionNode():
                    self._add_fragment(definition)
                case DirectiveDefinitionNode():
                    self.directives.add(definition.name.value)
                case ObjectTypeExtensionNode() | InterfaceTypeExtensionNode():
                    names = (one.name.value for one in definition.fields or ())
                    self.fields.update((definition.name.value, name) for name in names)
                case TypeDefinitionNode():
                    self.types.add(definition.name.value)
                case _:
                    pass  # SDL that declares nothing for documents

    def _add_operation(self, operation: OperationDefinitionNode, *, is_alone: bool) -> None:
        place = node_place(operation)
        self.files.add(place.path)
        self.operations.append(operation)
        if operation.name is None:
            if not is_alone:
                self.findings.append(Finding(place, to_finding_code(Code.VALIDATION_FAILED), LONE_ANONYMOUS))
            return
        first = self._operation_names.setdefault(operation.name.value, operation)
        if first is not operation:
            self._report_duplicate(FindingCode.DUPLICATE_OPERATION, "operation", operation.name, first.name)

    def _add_fragment(self, fragment: FragmentDefinitionNode) -> None:
        self.files.add(node_place(fragment).path)
        first = self.fragments.setdefault(fragment.name.value, fragment)
        if first is not fragment:
            self.further_fragments.append(fragment)
            self._report_duplicate(FindingCode.DUPLICATE_FRAGMENT, "fragment", fragment.name, first.name)

    def _report_duplicate(self, code: FindingCode, kind: str, name: NameNode, first: NameNode | None) -> None:
        assert first is not None
        message = (
            f"The {kind} `{name.value}` is also defined at {node_place(first)}: "
            "Relay and code generators need a name of its own for each."
        )
        self.findings.append(Finding(node_place(name), code, message))
