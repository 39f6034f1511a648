using System.Collections.Concurrent;
using System.Reflection;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

[assembly: AssemblyFixture(typeof(TemplatePackage))]

namespace CometTemplate.Tests.Package;

/// <summary>The package, packed once and installed from its nupkg, where the user's own templates are not touched.</summary>
public sealed class TemplatePackage : IAsyncLifetime
{
    private readonly DirectoryInfo _scratch = Directory.CreateTempSubdirectory("comet-template-");
    private readonly ConcurrentDictionary<(string, string), Lazy<Task<GeneratedApp>>> _apps = new();

    internal static string Repository { get; } = Path.GetFullPath(typeof(TemplatePackage).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Repository").Value!);

    /// <summary>Where NuGet keeps the packages of this machine.</summary>
    internal static string NuGetCache { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    internal string File { get; private set; } = "";

    /// <summary>The library's packages, which were packed with it.</summary>
    internal IReadOnlyList<string> Library { get; private set; } = [];

    /// <summary>The version of them all.</summary>
    internal string Version => VersionOf(File);

    /// <summary>What <c>dotnet new install</c> said.</summary>
    internal string Installation { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var folder = Path.Combine(_scratch.FullName, "package");
        await Tool.DotnetAsync(Repository, "pack", "CometTemplate.csproj", "-o", folder);
        File = Directory.GetFiles(folder, "CometTemplate.*.nupkg").Single();
        Library = Directory.GetFiles(folder, "Comet.AspNetCore.*.nupkg");
        Installation = await Tool.DotnetAsync(_scratch.FullName, ["new", "install", File, "-v", "diag", .. Hive("hive")]);
    }

    internal static string VersionOf(string file) => Path.GetFileNameWithoutExtension(file)["CometTemplate.".Length..];

    /// <summary>A folder that nothing else uses; it may have any name.</summary>
    internal string CreateFolder(string name = "work") =>
        Directory.CreateDirectory(Path.Combine(_scratch.FullName, Path.GetRandomFileName(), name)).FullName;

    /// <summary>Runs <c>dotnet new</c> with the installed package.</summary>
    internal Task<string> NewAsync(string folder, params string[] arguments) =>
        Tool.DotnetAsync(folder, ["new", .. arguments, .. Hive("hive")]);

    internal Task<(int Code, string Output)> TryNewAsync(string folder, params string[] arguments) =>
        Tool.TryDotnetAsync(folder, ["new", .. arguments, .. Hive("hive")]);

    /// <summary>An app of this name, with these options, separated by spaces; tests that ask for the same one share it.</summary>
    internal Task<GeneratedApp> GetAppAsync(string name = "MyApp", string options = "") =>
        _apps.GetOrAdd((name, options), _ => new(() => CreateAppAsync(name, options))).Value;

    /// <summary>The same, for one test alone.</summary>
    internal async Task<GeneratedApp> CreateAppAsync(string name = "MyApp", string options = "")
    {
        var folder = CreateFolder(name);
        var given = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        await NewAsync(folder, ["comet-app", "-n", name, "-o", folder, "--no-restore", .. given]);
        return new GeneratedApp(name, folder);
    }

    /// <summary>The options that keep <c>dotnet new</c> away from the user's own templates.</summary>
    internal string[] Hive(string name) => ["--debug:custom-hive", Path.Combine(_scratch.FullName, name), "--debug:disable-sdk-templates"];

    public ValueTask DisposeAsync()
    {
        _scratch.Delete(recursive: true);
        // What the apps restored of a version that nobody will ask for again.
        foreach (var folder in Directory.GetDirectories(NuGetCache, "comet.aspnetcore*").Select(id => Path.Combine(id, Version)))
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return ValueTask.CompletedTask;
    }
}
