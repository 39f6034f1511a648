using System.Net;
using System.Text.RegularExpressions;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Options whose packages not every registry has: they are built and run where a restore succeeds, and skipped where it does not.</summary>
public partial class OptionTests(TemplatePackage package)
{
    // A registry that has a later version than the one asked for, NU1603, serves as well.
    private const string Tolerated = "-p:WarningsNotAsErrors=NU1603%3BNU1901%3BNU1902%3BNU1903%3BNU1904";

    [Fact]
    public async Task NWebsec_writes_the_same_policy()
    {
        var app = await BuildAsync("--security-headers nwebsec");
        await using var running = await RunningApp.StartAsync(app);
        var standard = await package.GetAppAsync();
        await standard.BuildAsync();
        await using var runningStandard = await RunningApp.StartAsync(standard);

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        foreach (var path in new[] { "/clock", "/nothing", "/css/site.css" })
        {
            Assert.Equal(await PolicyAsync(runningStandard.Client, path), await PolicyAsync(running.Client, path));
        }
        using var page = await running.Client.GetAsync("/clock");
        var nonce = Nonce().Match(page.Headers.GetValues("Content-Security-Policy").Single()).Groups[1].Value;
        Assert.Contains($"<script nonce=\"{nonce}\">", WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Razor_runtime_compilation_shows_a_changed_view_in_a_running_app()
    {
        var app = await BuildAsync("--razor-runtime-compilation");
        await using var running = await RunningApp.StartAsync(app);
        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();

        var view = Path.Combine(app.ProjectFolder, "Views", "Clock", "Index.cshtml");
        await File.WriteAllTextAsync(view, (await File.ReadAllTextAsync(view)).Replace("Server time", "Changed while it runs", StringComparison.Ordinal));

        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (!(await running.Client.GetStringAsync("/clock")).Contains("Changed while it runs", StringComparison.Ordinal))
        {
            Assert.True(DateTime.UtcNow < deadline, "The page did not change.");
            await Task.Delay(100);
        }
    }

    [Theory]
    [InlineData("Debug", true)]
    [InlineData("Release", false)]
    public async Task Razor_runtime_compilation_is_for_debug_builds_only(string configuration, bool referenced)
    {
        var app = await package.GetAppAsync(options: "--razor-runtime-compilation");

        var packages = await Tool.DotnetAsync(app.ProjectFolder, "msbuild", $"-p:Configuration={configuration}", "-getItem:PackageReference");

        Assert.Equal(referenced, packages.Contains("Microsoft.AspNetCore.Mvc.Razor.RuntimeCompilation", StringComparison.Ordinal));
    }

    /// <summary>The policy as a set of directives, which are sets of sources, with any nonce.</summary>
    private static async Task<IEnumerable<string>> PolicyAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        var policy = Nonce().Replace(response.Headers.GetValues("Content-Security-Policy").Single(), "'nonce-any'");
        var others = response.Headers.Where(header => header.Key is not ("Content-Security-Policy" or "Date"))
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}".ToUpperInvariant());
        return policy.Split(';', StringSplitOptions.TrimEntries).Concat(others).Order(StringComparer.Ordinal);
    }

    private async Task<GeneratedApp> BuildAsync(string options)
    {
        // Not the shared app: a view is changed, and only the app's project is built.
        var app = await package.CreateAppAsync(options: options);
        var (code, output) = await Tool.TryDotnetAsync(app.ProjectFolder, "restore", Tolerated);
        var missing = output.Split('\n').FirstOrDefault(line => line.Contains("error NU1101", StringComparison.Ordinal)
            || line.Contains("error NU1102", StringComparison.Ordinal) || line.Contains("error NU1103", StringComparison.Ordinal));
        Assert.SkipWhen(missing is not null, $"The registry lacks a package: {missing?.Trim()}");
        Assert.True(code == 0, output);
        await Tool.DotnetAsync(app.ProjectFolder, "build", "--no-restore", "-warnaserror", "-warnnotaserror:NU1603");
        return app;
    }

    [GeneratedRegex("'nonce-([^']*)'")]
    private static partial Regex Nonce();
}
