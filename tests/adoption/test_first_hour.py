"""The errors of the first hour: each command of the guide is run, and must print what the guide shows."""

import json
import re
import subprocess
import unittest

from support import Endpoint, Workplace, blocks, first_use, read

GUIDE = "docs/guides/first-hour.md"


class Transcript:
    """Commands, what they print on a terminal, and the exit code of the last one."""

    def __init__(self, text):
        lines = text.splitlines()
        self.commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        code = re.fullmatch(r"\(exit code (\d+)\)", lines[-1])
        assert code, f"no exit code: {text}"
        self.code = int(code.group(1))
        self.output = lines[len(self.commands):-1]

    def pattern(self):
        """What is shown, where `…` is anything in a line, and a line of `…` alone is any lines."""
        parts = [r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in self.output]
        return re.compile("".join(parts))

    def difference(self, place):
        """What differs from what is shown, or nothing."""
        command = "exec 2>&1\n" + "\n".join(self.commands)
        done = subprocess.run(["bash", "-c", command], cwd=place.folder, env=place.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        printed = re.sub(r"\n{3,}", "\n\n", done.stdout.strip("\n") + "\n") if done.stdout.strip() else ""
        if done.returncode == self.code and self.pattern().fullmatch(printed):
            return ""
        return f"$ {self.commands[-1]}\nprints with exit code {done.returncode}, not {self.code}:\n{printed}"


def sections():
    """The transcripts by the heading that they are under."""
    found = {}
    for section in read(GUIDE).split("\n## ")[1:]:
        heading, text = section.split("\n", 1)
        shown = [Transcript(body) for body in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
        if shown:
            found[heading] = shown
    return found


WITH_AWS = ["Terraform", "Sealing into a bucket, and verifying it"]
REFUSED = ["Without a permission"]


class FirstHour(unittest.TestCase):
    maxDiff = None

    def hold(self, place, transcripts):
        different = [transcript.difference(place) for transcript in transcripts]
        self.assertEqual("", "\n".join(filter(None, different)))

    def of(self, headings):
        return [transcript for heading in headings for transcript in sections()[heading]]

    def test_errors_in_a_folder(self):
        with Workplace() as place:
            [setup] = blocks(GUIDE, "sh")
            place.run(setup)
            self.hold(place, self.of([heading for heading in sections() if heading not in WITH_AWS + REFUSED]))

    def test_errors_with_aws(self):
        with Endpoint() as endpoint, Workplace(endpoint, TF_CLI_ARGS="-no-color", AWS_MAX_ATTEMPTS="1").with_provider() as place:
            for name in ["main.tf", "first-use.txt"]:
                place.write(name, first_use())
            place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
            before_init, *after = self.of(WITH_AWS)
            self.hold(place, [before_init])
            place.run("terraform init")
            self.hold(place, after)

    def test_errors_without_a_permission(self):
        with Endpoint("ministack", "guarded") as endpoint, Workplace(endpoint, TF_CLI_ARGS="-no-color").with_provider() as place:
            place.write("main.tf", first_use())
            place.write("events.jsonl", '{"paid":1}\n{"paid":2}\n')
            place.run("terraform init\nterraform apply\nterraform output -raw trust_policy > trust-policy.json\n"
                      "aws iam create-user --user-name newcomer")
            key = json.loads(place.run("aws iam create-access-key --user-name newcomer").stdout)["AccessKey"]
            place.env |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
            self.hold(place, self.of(REFUSED))

    def test_sixty_errors_are_shown_and_each_of_our_commands_says_what_to_do(self):
        shown = [transcript for transcripts in sections().values() for transcript in transcripts]
        self.assertGreaterEqual(len(shown), 60)
        for transcript in shown:
            # With 127, the shell says that it does not find the command.
            if transcript.code not in (0, 127) and "auditlog-" in transcript.commands[-1]:
                self.assertRegex("\n".join(transcript.output), "hint:|help:|--help|expected one of", transcript.commands[-1])

    def test_each_error_of_terraform_says_what_to_do_there_or_in_the_guide(self):
        ways = r"\b([Ss]et|[Cc]hoose|[Rr]un|[Ee]xpected|Install|install|[Aa]dd|must|need the permission)\s|`(aws|terraform) "
        for section in read(GUIDE).split("\n## ")[1:]:
            for before, body in re.findall(r"([^\n]*(?:\n[^\n]+)*)\n\n```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
                commands = [line for line in body.splitlines() if line.startswith("$ ")]
                if "terraform" in commands[-1] and not body.endswith("(exit code 0)\n"):
                    _, _, error = body.rpartition("\nError: ") if "\nError: " in body else body.partition("Error: ")
                    self.assertTrue(error, body)
                    self.assertRegex(before + error, ways, commands[-1])


if __name__ == "__main__":
    unittest.main()
