using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Whatever the name and the options, an app builds without a warning, runs without one, and streams.</summary>
[Trait("Category", "Matrix")]
public class AppTests(TemplatePackage package)
{
    // Names and options are paired: each is there at least once, and the whole stays quick.
    [Theory]
    [InlineData("MyApp", "")]
    [InlineData("my-app", "--store sqlite")]
    [InlineData("1App", "--telemetry otlp --no-tests")]
    [InlineData("Comet", "--no-https")]
    [InlineData("a & b", "")]
    [InlineData("Small", "--no-tests")]
    [InlineData("Everything", OptionTests.Everything)]
    public async Task It_builds_runs_and_streams(string name, string options)
    {
        var app = await package.GetAppAsync(name, options);

        var output = await app.BuildAsync();

        Assert.Contains("0 Warning(s)", output, StringComparison.Ordinal);
        // At home nowhere, as on the first start on a machine.
        await using var running = await RunningApp.StartAsync(app, ("HOME", package.CreateFolder()));
        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        Assert.DoesNotContain("warn:", running.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_runs_unpublished_in_Production_from_any_folder(bool isStartedFromElsewhere)
    {
        var app = await package.GetAppAsync();
        await app.BuildAsync();

        var folder = isStartedFromElsewhere ? package.CreateFolder() : app.ProjectFolder;
        await using var running = await RunningApp.StartAsync(folder, app.Assembly);

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_streams_when_published(bool isStartedFromElsewhere)
    {
        var app = await package.GetAppAsync();
        await app.BuildAsync();
        var published = await app.PublishAsync();

        var folder = isStartedFromElsewhere ? package.CreateFolder() : published;
        await using var running = await RunningApp.StartAsync(folder, Path.Combine(published, "MyApp.dll"));

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        // The settings, which silence this category, are read.
        Assert.DoesNotContain("Microsoft.AspNetCore.Hosting.Diagnostics", running.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MyApp", "", true)]
    [InlineData("Comet", "--no-https", false)]
    public async Task It_leads_to_HTTPS_unless_told_not_to(string name, string options, bool redirects)
    {
        var app = await package.GetAppAsync(name, options);
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(
            app, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ASPNETCORE_HTTPS_PORT", "7443"));

        using var response = await running.Client.GetAsync("/");

        Assert.Equal(redirects ? 307 : 200, (int)response.StatusCode);
    }
}
