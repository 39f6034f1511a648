using System.Diagnostics;
using System.Text;

namespace CometTemplate.Tests.Package;

/// <summary>Runs a program to its end.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    /// <summary>Runs <c>dotnet</c>; a failure fails the test and shows the command with its output.</summary>
    internal static Task<string> DotnetAsync(string folder, params string[] arguments) => DotnetAsync(folder, [], arguments);

    internal static async Task<string> DotnetAsync(string folder, (string Name, string Value)[] environment, params string[] arguments)
    {
        var (code, output) = await RunAsync(folder, environment, "dotnet", arguments);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)} in {folder} ended with {code}:\n{output}");
        return output;
    }

    internal static Task<(int Code, string Output)> TryDotnetAsync(string folder, params string[] arguments) =>
        RunAsync(folder, "dotnet", arguments);

    internal static Task<(int Code, string Output)> RunAsync(string folder, string program, params string[] arguments) =>
        RunAsync(folder, [], program, arguments);

    internal static async Task<(int Code, string Output)> RunAsync(
        string folder, (string Name, string Value)[] environment, string program, params string[] arguments)
    {
        var start = Describe(folder, program, arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} in {folder} did not end within {Patience}:\n{output}");
        }
        return (process.ExitCode, output.ToString());

        void Add(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }

    /// <summary>A process as a user would start it: nothing of the build or the test run around this one leaks into it.</summary>
    internal static ProcessStartInfo Describe(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsOfThisRun).ToList())
        {
            start.Environment.Remove(name);
        }
        // Each command of the SDK leaves two folders behind, and each program that is killed its sockets.
        foreach (var name in new[] { "TMPDIR", "TEMP", "TMP" })
        {
            start.Environment[name] = TemplatePackage.Scratch;
        }
        // No node of MSBuild outlives its build: one that waits saves no processor time here.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // The compiler's server does, and saves a third of a build; without this, it would not be asked where no node is used again.
        start.Environment["UseSharedCompilation"] = "true";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        // The tests of an app need a browser; a user installs one, or says this.
        start.Environment["COMET_INSTALL_BROWSER"] = "1";
        return start;
    }

    private static bool IsOfThisRun(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase) ||
        name is "DOTNET_HOST_PATH" or "DOTNET_CLI_TEST_COMMAND_WORKING_DIRECTORY";
}
