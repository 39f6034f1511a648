using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>A generated app runs and streams.</summary>
public class RunTests(TemplatePackage package)
{
    [Theory]
    [InlineData("MyApp", "")]
    [InlineData("1App", "--telemetry otlp")]
    [InlineData("Comet", "--no-https")]
    [InlineData("a & b", "")]
    [InlineData("Small", "--no-tests")]
    public async Task It_answers_and_streams(string name, string options)
    {
        var app = await package.GetAppAsync(name, options);
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app);

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        Assert.DoesNotContain("HttpsPolicy", running.Output, StringComparison.Ordinal); // warns where there is no HTTPS port
    }

    [Fact]
    public async Task It_streams_when_published()
    {
        var app = await package.GetAppAsync();
        await app.BuildAsync();
        var published = package.CreateFolder();
        await Tool.DotnetAsync(app.ProjectFolder, "publish", "--no-build", "-c", "Debug", "-o", published);

        await using var running = await RunningApp.StartAsync(published, Path.Combine(published, "MyApp.dll"));

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
    }

    [Theory]
    [InlineData("MyApp", "", true)]
    [InlineData("Comet", "--no-https", false)]
    public async Task It_leads_to_HTTPS_unless_told_not_to(string name, string options, bool redirects)
    {
        var app = await package.GetAppAsync(name, options);
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ASPNETCORE_HTTPS_PORT", "7443"));

        using var response = await running.Client.GetAsync("/");

        Assert.Equal(redirects ? 307 : 200, (int)response.StatusCode);
    }
}
