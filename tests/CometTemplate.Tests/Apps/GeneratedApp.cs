using CometTemplate.Tests.Package;

namespace CometTemplate.Tests.Apps;

/// <summary>What one <c>dotnet new comet-app</c> gave.</summary>
public sealed class GeneratedApp(string name, string folder)
{
    // One build uses all cores; two at a time would only be slower.
    private static readonly SemaphoreSlim Builds = new(1);

    private readonly Lazy<Task<string>> _build = new(() => BuildAsync(folder));

    internal string Name => name;

    internal string Folder => folder;

    internal string ProjectFolder => Path.Combine(folder, "src", name);

    internal string Assembly => Path.Combine(ProjectFolder, "bin", "Debug", "net10.0", $"{name}.dll");

    /// <summary>The paths of all files, with slashes, as they were generated.</summary>
    internal IReadOnlyList<string> Files { get; } = Find(folder);

    internal string Read(string file) => File.ReadAllText(Path.Combine(folder, file));

    /// <summary>Builds the solution, warnings as errors; the first caller pays, and all get what the build printed.</summary>
    internal Task<string> BuildAsync() => _build.Value;

    /// <summary>The paths of all files that are there now.</summary>
    internal IReadOnlyList<string> FindFiles() => Find(folder);

    private static List<string> Find(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

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
