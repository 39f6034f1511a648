using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>A generated app's own tests pass, and so does the test of a feed that is added to it.</summary>
public class OwnTestsTests(TemplatePackage package)
{
    [Fact]
    public async Task They_pass_with_a_feed_of_ones_own()
    {
        var app = await package.CreateAppAsync("my-app");
        await Tool.DotnetAsync(app.ProjectFolder, "restore");

        var output = await package.NewAsync(app.ProjectFolder, "comet-feed", "-n", "stock-prices");
        Assert.Contains("Run the app and open the page", output, StringComparison.Ordinal);
        Assert.Equal(
            [
                "src/my-app/Controllers/StockPricesController.cs", "src/my-app/Feeds/StockPricesSource.cs", "src/my-app/Feeds/StockPricesStartup.cs",
                "src/my-app/Models/StockPricesMessage.cs", "src/my-app/Views/StockPrices/Index.cshtml", "src/my-app/wwwroot/js/stock-prices.js",
                "tests/BrowserTests/StockPricesTests.cs",
            ],
            app.FindFiles().Except(app.Files).Where(file => !file.Contains("/obj/", StringComparison.Ordinal)));

        var results = await Tool.DotnetAsync(app.Folder, "test", "--output", "Detailed");

        Assert.Contains("failed: 0", results, StringComparison.Ordinal);
        Assert.Contains("passed BrowserTests.StockPricesTests.Shows_what_the_feed_publishes", results, StringComparison.Ordinal);
        Assert.Contains("passed BrowserTests.ClockTests.", results, StringComparison.Ordinal);
        Assert.Contains("passed Comet.AspNetCore.Tests.", results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tests_of_a_store_pass()
    {
        var app = await package.GetAppAsync("my-app", "--store sqlite");
        await app.BuildAsync();

        var results = await Tool.DotnetAsync(Path.Combine(app.Folder, "tests", "Comet.AspNetCore.Stores.Tests"), "test", "--no-build", "--output", "Detailed");

        Assert.Contains("failed: 0", results, StringComparison.Ordinal);
        Assert.Contains("passed Comet.AspNetCore.Stores.Tests.Sqlite.", results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_tests_a_feed_has_none()
    {
        var app = await package.CreateAppAsync("Small", "--no-tests");
        await Tool.DotnetAsync(app.ProjectFolder, "restore");

        await package.NewAsync(app.ProjectFolder, "comet-feed", "-n", "Quotes", "--no-tests");

        Assert.True(File.Exists(Path.Combine(app.ProjectFolder, "Controllers", "QuotesController.cs")));
        Assert.False(Directory.Exists(Path.Combine(app.Folder, "tests")));
        await Tool.DotnetAsync(app.Folder, "build", "-warnaserror");
    }

    [Fact]
    public async Task Outside_an_app_a_feed_is_refused_and_nothing_is_written()
    {
        var folder = package.CreateFolder();

        var (code, output) = await package.TryNewAsync(folder, "comet-feed", "-n", "Quotes");

        Assert.NotEqual(0, code);
        Assert.Contains("This template can only be created inside the project", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public async Task In_another_project_a_feed_is_refused_and_nothing_is_written()
    {
        var app = await package.GetAppAsync("Small", "--no-tests");
        await app.BuildAsync();
        var library = Path.Combine(app.Folder, "src", "Comet.AspNetCore");
        var before = Directory.GetFileSystemEntries(library);

        var (code, output) = await package.TryNewAsync(library, "comet-feed", "-n", "Quotes");

        Assert.NotEqual(0, code);
        Assert.Contains("needs project capability 'Comet'", output, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(library));
    }
}
