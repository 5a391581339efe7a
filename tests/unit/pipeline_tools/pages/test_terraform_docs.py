from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools.pages import terraform_docs

VARIABLES = """
variable "optional" {
  description = <<-EOT
    The first thing, which goes
    on here.
    member: a | b.
  EOT
  type = object({
    member = optional(string, "a")
  })
  default = {}
}

variable "needed" {
  description = "The name <name>, or `<other>` in \\"quotes\\"."
  type        = string
}
"""


@pytest.fixture
def infra(tmp_path: Path) -> Path:
    """A configuration with one module and a page for each."""
    module = tmp_path / "modules" / "one"
    (module / "examples" / "basic").mkdir(parents=True)
    (tmp_path / "bootstrap").mkdir()
    (module / "variables.tf").write_text(VARIABLES)
    (module / "main.tf").write_text('resource "aws_iam_role" "this" {}\ndata "aws_region" "current" {}\n')
    (module / "outputs.tf").write_text('output "name" {\n  description = "Its name."\n  value = 1\n}\n')
    (module / "examples" / "basic" / "main.tf").write_text('module "one" {\n  source = "../.."\n}\n')
    (tmp_path / "main.tf").write_text('module "two" {\n  source = "./modules/one"\n}\n')
    for folder in terraform_docs.folders(tmp_path):
        (folder / "README.md").write_text(f"# By hand\n\n{terraform_docs.BEGIN}\nold\n{terraform_docs.END}\nafter\n")
    return tmp_path


def test_the_pages_are_what_the_files_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert terraform_docs.main(["--check"]) == 0, capsys.readouterr().err


def test_a_page_has_examples_inputs_outputs_and_resources(infra: Path) -> None:
    assert terraform_docs.main([], infra) == 0
    page = (infra / "modules" / "one" / "README.md").read_text()
    assert page.startswith("# By hand\n\n<!-- BEGIN_TF_DOCS -->\n## Example\n")
    assert page.endswith("<!-- END_TF_DOCS -->\nafter\n")
    assert '```hcl\nmodule "one" {\n  source = "../.."\n}\n```\n' in page
    rows = [line for line in page.splitlines() if line.startswith("|") and not line.startswith(("|--", "| Name"))]
    registry = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs"
    assert rows == [
        '| needed | The name \\<name>, or `<other>` in "quotes". | `string` | n/a | yes |',
        "| optional | The first thing, which goes on here.<br/>member: a \\| b. |"
        ' <pre>object({<br/>  member = optional(string, "a")<br/>})</pre> | `{}` | no |',
        "| name | Its name. |",
        f"| [aws_iam_role.this]({registry}/resources/iam_role) | resource |",
        f"| [aws_region.current]({registry}/data-sources/region) | data source |",
    ]
    assert "| two | [./modules/one](./modules/one) |" in (infra / "README.md").read_text()


def test_a_page_that_is_not_up_to_date_is_named_and_left(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert terraform_docs.main([], infra) == 0
    assert terraform_docs.main(["--check"], infra) == 0
    outputs = infra / "modules" / "one" / "outputs.tf"
    outputs.write_text(outputs.read_text().replace("Its name", "Its whole name"))
    assert terraform_docs.main(["--check"], infra) == 1
    assert "modules/one/README.md is not up to date: python -m" in capsys.readouterr().err
    assert "whole" not in (infra / "modules" / "one" / "README.md").read_text()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("modules/one/README.md", "# By hand\n", "README.md: no lines <!-- BEGIN_TF_DOCS -->"),
        ("modules/one/outputs.tf", 'output "name" {\n  value = 1\n}\n', "one: output name has no description"),
        ("modules/one/outputs.tf", "output {{\n", "modules/one/outputs.tf:1"),
    ],
)
def test_what_a_page_lacks_is_said(
    infra: Path, file: str, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (infra / file).write_text(text)
    assert terraform_docs.main([], infra) == 1
    assert message in capsys.readouterr().err
    assert "old" not in (infra / "README.md").read_text(), "another folder's page is not written"
