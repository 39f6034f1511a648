using System.Net;
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

        var folder = isStartedFromElsewhere ? CreateFolderOfAnother() : app.ProjectFolder;
        await using var running = await RunningApp.StartAsync(folder, app.Assembly);

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
    }

    [Theory]
    [InlineData("elsewhere")]
    [InlineData("its own folder")]
    [InlineData("its project's folder")]
    public async Task It_streams_when_published(string place)
    {
        var app = await package.GetAppAsync();
        await app.BuildAsync();
        var published = await app.PublishAsync();

        var folder = place switch { "elsewhere" => CreateFolderOfAnother(), "its own folder" => published, _ => app.ProjectFolder };
        await using var running = await RunningApp.StartAsync(folder, Path.Combine(published, "MyApp.dll"));

        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
        // The settings, which silence this category, are read.
        Assert.DoesNotContain("Microsoft.AspNetCore.Hosting.Diagnostics", running.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ASPNETCORE_CONTENTROOT")]
    [InlineData("DOTNET_CONTENTROOT")]
    [InlineData("--contentRoot")]
    public async Task It_has_the_content_root_that_it_is_told(string how)
    {
        var app = await package.GetAppAsync();
        await app.BuildAsync();
        var told = CreateFolderOfAnother();

        var start = RunningApp.Describe(package.CreateFolder(), app.Assembly);
        if (how[0] == '-')
        {
            start.ArgumentList.Add(how);
            start.ArgumentList.Add(told);
        }
        else
        {
            start.Environment[how] = told;
        }
        await using var running = await RunningApp.StartAsync(start, RunningApp.Patience);

        Assert.Equal(HttpStatusCode.BadRequest, (await running.Client.GetAsync("/")).StatusCode);
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

    /// <summary>Has settings and files that answer for no host that a test asks.</summary>
    private string CreateFolderOfAnother()
    {
        var folder = package.CreateFolder();
        Directory.CreateDirectory(Path.Combine(folder, "wwwroot"));
        File.WriteAllText(Path.Combine(folder, "appsettings.json"), """{ "AllowedHosts": "another.example" }""");
        return folder;
    }
}
