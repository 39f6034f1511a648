using System.Text.RegularExpressions;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What the README and the first page of the documentation tell to type does what they say.</summary>
[Trait("Category", "Matrix")]
public partial class DocumentedCommandsTests(TemplatePackage package)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task The_first_command_of_the_README_runs_an_app_from_a_clone()
    {
        var folder = package.CreateFolder();
        var (code, output) = await Tool.RunAsync(folder, "git", "clone", TemplatePackage.Repository, "CometTemplate");
        Assert.True(code == 0, output);
        var clone = Path.Combine(folder, "CometTemplate");
        var command = Blocks(await File.ReadAllTextAsync(Path.Combine(clone, "README.md"))).First().Text;
        var home = package.CreateFolder();
        // A home of its own, where the packages of others need no second download.
        await using var running = await RunAsync(clone, command,
            ("HOME", home), ("DOTNET_CLI_HOME", home), ("MSBUILDDISABLENODEREUSE", "1"),
            ("NUGET_PACKAGES", Path.Combine(home, "packages")), ("NUGET_FALLBACK_PACKAGES", TemplatePackage.NuGetCache));

        await running.AssertStreamsAsync();
    }

    [Fact]
    public async Task Getting_started_leads_to_a_feed_whose_tests_pass()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(TemplatePackage.Repository, "docs", "getting-started.md"));
        var start = package.CreateFolder();
        (string, string)[] environment = [("DOTNET_CLI_HOME", package.CreateFolder()), ("NUGET_PACKAGES", TemplatePackage.NuGetCache)];
        await Tool.DotnetAsync(start, environment, "new", "install", package.File);
        var hello = new Lazy<GeneratedApp>(() => new("Hello", Path.Combine(start, "Hello")));
        var (folder, results, written, started) = (start, "", new List<string>(), 0);

        foreach (var block in Blocks(page))
        {
            if (block.Language == "sh")
            {
                folder = block.Before.Contains("from the root of the app", StringComparison.Ordinal) ? hello.Value.Folder : folder;
                foreach (var line in block.Text.Split('\n'))
                {
                    await TypeAsync(line);
                }
            }
            else if (Named().Matches(block.Before).Last().Groups[1].Value is var file && Path.GetFileName(file) == "Program.cs")
            {
                await hello.Value.RegisterAsync(block.Text.Split('\n'));
            }
            else
            {
                var path = Path.Combine(hello.Value.Folder, file);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, block.Text + "\n");
                written.Add(Path.GetFileName(file));
            }
        }

        Assert.Equal(1, started);
        Assert.Equal(["Reading.cs", "Thermometer.cs", "ReadingsController.cs", "Index.cshtml", "ReadingsTests.cs"], written);
        Assert.Matches(@"succeeded: [1-9]", results);
        Assert.Contains("failed: 0", results, StringComparison.Ordinal);

        async Task TypeAsync(string line)
        {
            if (line.StartsWith("cd ", StringComparison.Ordinal))
            {
                folder = Path.Combine(folder, line["cd ".Length..]);
                return;
            }
            if (line.StartsWith("dotnet run ", StringComparison.Ordinal))
            {
                await using var running = await RunAsync(folder, line, environment);
                await running.AssertStreamsAsync();
                started++;
                return;
            }
            (var code, results) = await Tool.RunAsync(folder, environment, "bash", "-c", line);
            Assert.True(code == 0, $"{line} ended with {code}:\n{results}");
            if (line.StartsWith("dotnet new comet-feed ", StringComparison.Ordinal))
            {
                await hello.Value.RegisterAsync(GeneratedApp.FindRegistrations(results));
            }
        }
    }

    private static Task<RunningApp> RunAsync(string folder, string command, params (string Name, string Value)[] environment)
    {
        var start = Tool.Describe(folder, "bash", "-c", command);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return RunningApp.StartAsync(start, Patience);
    }

    /// <summary>The fenced blocks of a page, each with the text between it and the one before.</summary>
    private static IEnumerable<(string Before, string Language, string Text)> Blocks(string page) =>
        Block().Matches(page).Select(match => (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value));

    [GeneratedRegex(@"\G(.*?)^```(\w*)\n(.*?)\n```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"`((?:src|tests)/Hello[^`]*\.\w+)`")]
    private static partial Regex Named();
}
