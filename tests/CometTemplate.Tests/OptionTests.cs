using System.Net;
using System.Text.RegularExpressions;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Options that bring packages of others.</summary>
[Trait("Category", "Matrix")]
public partial class OptionTests(TemplatePackage package)
{
    internal const string Everything =
        "--store sqlite --security-headers netescapades --telemetry otlp --razor-runtime-compilation --no-https";

    [Theory]
    [InlineData("netescapades")]
    [InlineData("nwebsec")]
    public async Task Packages_that_write_security_headers_write_the_same_policy(string value)
    {
        var app = await (value == "nwebsec"
            ? package.CreateAppAsync("Small", "--no-tests --security-headers nwebsec")
            : package.GetAppAsync(options: GeneratedAppTests.PackagesOfOthers));
        if (value == "nwebsec")
        {
            var (code, restored) = await Tool.TryDotnetAsync(app.ProjectFolder, "restore");
            Assert.SkipWhen(code != 0 && Lacking().IsMatch(restored), $"The registry lacks a package:\n{restored}");
        }
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app);
        var standard = await package.GetAppAsync();
        await standard.BuildAsync();
        await using var runningStandard = await RunningApp.StartAsync(standard);

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        foreach (var path in new[] { "/clock", "/nothing", "/css/site.css", "/clock/stream" })
        {
            Assert.Equal(await PolicyAsync(runningStandard.Client, path), await PolicyAsync(running.Client, path));
        }
        using var page = await running.Client.GetAsync("/clock");
        var nonce = Nonce().Match(page.Headers.GetValues("Content-Security-Policy").Single()).Groups[1].Value;
        var html = WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        Assert.Contains($"<script nonce=\"{nonce}\">", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Razor_runtime_compilation_shows_a_changed_view_in_a_running_app()
    {
        var app = await package.GetAppAsync("Everything", Everything);
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app, package.OwnDatabase());
        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();

        var view = Path.Combine(app.ProjectFolder, "Views", "Clock", "Index.cshtml");
        // Collection expressions came with C# 12: the view is compiled by a compiler of today.
        await File.AppendAllTextAsync(view, "\n@{ string[] words = [\"Changed while\", \"it runs\"]; }<p>@string.Join(' ', words)</p>\n");

        var deadline = DateTime.UtcNow + RunningApp.Patience;
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

        var packages = await Tool.DotnetAsync(
            app.ProjectFolder, "msbuild", $"-p:Configuration={configuration}", "-getItem:PackageReference");

        Assert.Equal(referenced, packages.Contains("Microsoft.AspNetCore.Mvc.Razor.RuntimeCompilation", StringComparison.Ordinal));
    }

    /// <summary>The policy as a set of directives, which are sets of sources, with any nonce.</summary>
    private static async Task<IEnumerable<string>> PolicyAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        var policy = Nonce().Replace(response.Headers.GetValues("Content-Security-Policy").Single(), "'nonce-any'");
        var others = response.Headers.Where(header => header.Key is not ("Content-Security-Policy" or "Date" or "ETag" or "Last-Modified"))
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}".ToUpperInvariant());
        return policy.Split(';', StringSplitOptions.TrimEntries).Concat(others).Order(StringComparer.Ordinal);
    }

    // No such package, no stable version of it, not the one that is asked for.
    [GeneratedRegex("error NU110[123]: .*NWebsec")]
    private static partial Regex Lacking();

    [GeneratedRegex("'nonce-([^']*)'")]
    private static partial Regex Nonce();
}
