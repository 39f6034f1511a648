using System.Collections.Concurrent;
using System.Reflection;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

[assembly: AssemblyFixture(typeof(TemplatePackage))]

namespace CometTemplate.Tests.Package;

/// <summary>The package, packed once and installed from its nupkg, where the user's own templates are not touched.</summary>
public sealed class TemplatePackage : IAsyncLifetime
{
    private readonly ConcurrentDictionary<(string, string), Lazy<Task<GeneratedApp>>> _apps = new();
    private readonly Lazy<Task<GeneratedApp>> _extended;

    public TemplatePackage() => _extended = new(() => ExtendedApp.CreateAsync(this));

    /// <summary>Holds all that this run writes, the temporary files of the programs that it runs too.</summary>
    internal static string Scratch { get; } = Directory.CreateTempSubdirectory("comet-template-").FullName;

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
        var folder = Path.Combine(Scratch, "package");
        await Tool.DotnetAsync(Repository, "pack", "CometTemplate.csproj", "-o", folder);
        File = Directory.GetFiles(folder, "CometTemplate.*.nupkg").Single();
        Library = Directory.GetFiles(folder, "Comet.AspNetCore.*.nupkg");
        Installation = await Tool.DotnetAsync(Scratch, ["new", "install", File, "-v", "diag", .. Hive("hive")]);
    }

    internal static string VersionOf(string file) => Path.GetFileNameWithoutExtension(file)["CometTemplate.".Length..];

    /// <summary>A folder that nothing else uses; it may have any name.</summary>
    internal string CreateFolder(string name = "work") =>
        Directory.CreateDirectory(Path.Combine(Scratch, Path.GetRandomFileName(), name)).FullName;

    /// <summary>Runs <c>dotnet new</c> with the installed package.</summary>
    internal Task<string> NewAsync(string folder, params string[] arguments) => Tool.DotnetAsync(folder, New(arguments));

    internal Task<(int Code, string Output)> TryNewAsync(string folder, params string[] arguments) =>
        Tool.TryDotnetAsync(folder, New(arguments));

    /// <summary>The arguments of <c>dotnet new</c> with the installed package.</summary>
    internal string[] New(params string[] arguments)
    {
        // A check for updates takes time, and writes a file that no other command can write at the same time.
        string[] more = arguments[0].StartsWith("comet-", StringComparison.Ordinal) ? ["--no-update-check"] : [];
        return ["new", .. arguments, .. Hive("hive"), .. more];
    }

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

    /// <summary>The setting that keeps a running app away from the database in its folder, which another test may have open.</summary>
    internal (string, string) OwnDatabase() => ("ConnectionStrings__Comet", $"Data Source={Path.Combine(CreateFolder(), "comet.db")}");

    /// <summary>The app that its owner has added to, built.</summary>
    internal Task<GeneratedApp> GetExtendedAppAsync() => _extended.Value;

    /// <summary>The options that keep <c>dotnet new</c> away from the user's own templates.</summary>
    internal string[] Hive(string name) => ["--debug:custom-hive", Path.Combine(Scratch, name), "--debug:disable-sdk-templates"];

    public async ValueTask DisposeAsync()
    {
        // The compiler's server, which is this run's alone: its address is a temporary file.
        await Tool.DotnetAsync(Scratch, "build-server", "shutdown", "--vbcscompiler");
        Directory.Delete(Scratch, recursive: true);
        // What the apps restored of a version that nobody will ask for again.
        foreach (var folder in Directory.GetDirectories(NuGetCache, "comet.aspnetcore*").Select(id => Path.Combine(id, Version)))
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
