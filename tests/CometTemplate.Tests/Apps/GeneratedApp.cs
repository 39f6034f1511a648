using CometTemplate.Tests.Package;

namespace CometTemplate.Tests.Apps;

/// <summary>What one <c>dotnet new comet-app</c> gave.</summary>
public sealed class GeneratedApp(string name, string folder)
{
    // Beside the assembly that runs.
    private const string Settings = ".runtimeconfig.json";

    private const string Registered = "builder.Services.AddComet();";

    // An app is built on little more than one core, as its tests wait for it; more builds at a time would only need more memory.
    private static readonly SemaphoreSlim Builds = new(Environment.ProcessorCount);

    private readonly Lazy<Task<string>> _build = new(() => BuildAsync(folder));
    private readonly Lazy<Task<string>> _publish = new(() => PublishAsync(folder, name));

    internal string Name => name;

    internal string Folder => folder;

    internal string ProjectFolder => Path.Combine(folder, "src", name);

    /// <summary>What a build of it gave to run.</summary>
    internal string Assembly => Directory.GetFiles(Path.Combine(ProjectFolder, "bin", "Debug", "net10.0"), $"*{Settings}").Single()
        .Replace(Settings, ".dll", StringComparison.Ordinal);

    /// <summary>The paths of all files, with slashes, as they were generated.</summary>
    internal IReadOnlyList<string> Files { get; } = Find(folder);

    /// <summary>Those of them that are text.</summary>
    internal IEnumerable<string> Texts => Files.Where(file => !file.StartsWith("packages/", StringComparison.Ordinal));

    internal string Read(string file) => File.ReadAllText(Path.Combine(folder, file));

    /// <summary>Builds the solution, warnings as errors; the first caller pays, and all get what the build printed.</summary>
    internal Task<string> BuildAsync() => _build.Value;

    /// <summary>Publishes what was built; the first caller pays, and all get the folder.</summary>
    internal Task<string> PublishAsync() => _publish.Value;

    /// <summary>The paths of all files that are there now.</summary>
    internal IReadOnlyList<string> FindFiles() => Find(folder);

    /// <summary>Adds a feed, with the lines that <c>dotnet new comet-feed</c> prints for Program.cs; returns what they call.</summary>
    internal async Task<IReadOnlyList<string>> AddFeedAsync(TemplatePackage package, string feed, string options = "")
    {
        var output = await package.NewAsync(
            ProjectFolder, ["comet-feed", "-n", feed, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Contains($"Add to Program.cs, after {Registered.TrimEnd(';')}:", output, StringComparison.Ordinal);
        var lines = FindRegistrations(output);
        await RegisterAsync(lines);
        return [.. lines.Select(line => line["builder.Services.".Length..].TrimEnd(';'))];
    }

    /// <summary>The lines for Program.cs among what <c>dotnet new comet-feed</c> printed.</summary>
    internal static IReadOnlyList<string> FindRegistrations(string output) =>
    [
        .. output.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("builder.Services.", StringComparison.Ordinal)),
    ];

    /// <summary>Puts lines into Program.cs, after the one that registers the library.</summary>
    internal async Task RegisterAsync(IEnumerable<string> lines)
    {
        await ReplaceAsync("Program.cs", Registered, string.Join('\n', [Registered, .. lines]));
    }

    /// <summary>Changes a file of the project.</summary>
    internal async Task ReplaceAsync(string file, string old, string text)
    {
        var path = Path.Combine(ProjectFolder, file);
        var code = await File.ReadAllTextAsync(path);
        Assert.Contains(old, code, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, code.Replace(old, text, StringComparison.Ordinal));
    }

    private static List<string> Find(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    private static async Task<string> PublishAsync(string folder, string name)
    {
        var published = Path.Combine(folder, "published");
        await Tool.DotnetAsync(Path.Combine(folder, "src", name), "publish", "--no-build", "-c", "Debug", "-o", published);
        return published;
    }

    private static async Task<string> BuildAsync(string folder)
    {
        await Builds.WaitAsync();
        try
        {
            // Without Playwright's own copy of Node, 135 MB, which only a run of the browser tests needs.
            return await Tool.DotnetAsync(folder, "build", "-warnaserror", "-p:PlaywrightPlatform=none");
        }
        finally
        {
            Builds.Release();
        }
    }
}
