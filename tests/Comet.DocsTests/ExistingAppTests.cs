using System.Diagnostics;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using Comet.DocsTests.Documents;

namespace Comet.DocsTests;

/// <summary>The diffs of docs/existing-app.md: applied to what <c>dotnet new</c> writes, built, and run.</summary>
[Trait("Category", "Matrix")]
public sealed partial class ExistingAppTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string _scratch = Directory.CreateTempSubdirectory("comet-docs-").FullName;
    private readonly string _folder;

    public ExistingAppTests() => _folder = Directory.CreateDirectory(Path.Combine(_scratch, "Shop")).FullName;

    public static TheoryData<string> Diffs => Document.BlocksIn("diff");

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Theory]
    [MemberData(nameof(Diffs))]
    public async Task Every_diff_makes_a_new_app_stream(string block)
    {
        var diff = Document.GetBlock(block);
        var template = Command().Matches(string.Join('\n', diff.Document.Lines[..diff.Line]))[^1].Groups[1].Value;
        await RunAsync("dotnet", "new", template, "-n", "Shop", "-o", ".", "--no-restore");
        await File.WriteAllTextAsync(Path.Combine(_folder, "comet.diff"), diff.Text + "\n");
        await RunAsync("git", "init", "--quiet"); // elsewhere, git apply passes over files outside its repository
        await RunAsync("git", "apply", "--ignore-whitespace", "comet.diff");
        await ReferToSourceAsync();
        await RunAsync("dotnet", "build", "--nologo", "-warnaserror", "-p:WarningsNotAsErrors=NU1900");

        using var app = Start("dotnet", "bin/Debug/net10.0/Shop.dll", "--urls", "http://127.0.0.1:0", "--environment", "Development");
        try
        {
            using var client = new HttpClient { BaseAddress = await AddressAsync(app) };
            Assert.Contains("Last visit", await client.GetStringAsync("/"));
            Assert.Equal([CometMessageKind.Open, CometMessageKind.Message], await FirstTwoAsync(client));
        }
        finally
        {
            app.Kill(entireProcessTree: true);
        }
    }

    // The package as it is in this clone.
    private async Task ReferToSourceAsync()
    {
        var path = Path.Combine(_folder, "Shop.csproj");
        var project = await File.ReadAllTextAsync(path);
        var source = Path.Combine(Document.Repository, "src/Comet.AspNetCore/Comet.AspNetCore.csproj");
        var changed = Package().Replace(project, $"<ProjectReference Include=\"{source}\" />");
        Assert.NotEqual(project, changed);
        await File.WriteAllTextAsync(path, changed);
        Directory.CreateDirectory(Path.Combine(_folder, "packages"));
    }

    private static async Task<Uri> AddressAsync(Process app)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (await app.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            if (Address().Match(line) is { Success: true } found)
            {
                return new Uri(found.Value);
            }
        }
        var error = await app.StandardError.ReadToEndAsync(deadline.Token);
        throw new InvalidOperationException($"The app has ended: {error}");
    }

    private static async Task<List<CometMessageKind>> FirstTwoAsync(HttpClient client)
    {
        using var deadline = new CancellationTokenSource(Patience);
        var kinds = new List<CometMessageKind>();
        var messages = CometReader.ReadAsync(client, "/visits/stream", lastEventId: "earliest", cancellationToken: deadline.Token);
        await foreach (var message in messages)
        {
            kinds.Add(message.Kind);
            if (kinds.Count == 2)
            {
                break;
            }
        }
        return kinds;
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        using var deadline = new CancellationTokenSource(Patience);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        var output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        var command = $"{program} {string.Join(' ', arguments)}";
        Assert.True(process.ExitCode == 0, $"{command} ended with {process.ExitCode}:\n{output}{await error}");
    }

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A node or a compiler's server that stays would hold the output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment.Remove("UseSharedCompilation");
        // Each command of the SDK leaves two folders behind, and an app that is killed its sockets.
        foreach (var name in new[] { "TMPDIR", "TEMP", "TMP" })
        {
            start.Environment[name] = _scratch;
        }
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        return Process.Start(start)!;
    }

    [GeneratedRegex("`dotnet new (\\w+) -n Shop -o Shop`")]
    private static partial Regex Command();

    [GeneratedRegex("<PackageReference Include=\"Comet.AspNetCore\" Version=\"[^\"]*\" />")]
    private static partial Regex Package();

    [GeneratedRegex("http://127\\.0\\.0\\.1:\\d+")]
    private static partial Regex Address();
}
