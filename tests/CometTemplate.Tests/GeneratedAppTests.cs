using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>From the package to an app's own tests: the way of its owner.</summary>
public class GeneratedAppTests(TemplatePackage package)
{
    internal const string PackagesOfOthers = "--store sqlite --security-headers netescapades";

    [Fact]
    public async Task Its_own_tests_pass_with_two_feeds_of_ones_own()
    {
        var app = await package.CreateAppAsync("my-app");
        await Tool.DotnetAsync(app.Folder, "restore");
        Assert.Equal(
            ["AddFeed<StockPricesMessage>(\"stock-prices\")", "AddHostedService<StockPricesSource>()"],
            await app.AddFeedAsync(package, "stock-prices"));
        Assert.Equal(
            ["AddKeyedFeeds<ChatRoomsMessage>(\"chat-rooms\")"],
            await app.AddFeedAsync(package, "chat rooms", "--keyed"));

        var results = await Tool.DotnetAsync(app.Folder, "test", "--output", "Detailed");

        Assert.All(
            ["ClockTests", "StockPricesTests", "ChatRoomsTests"],
            tests => Assert.Contains($"passed my_app.Tests.{tests}.", results, StringComparison.Ordinal));
        Assert.Contains("failed: 0", results, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task Its_own_tests_pass_with_packages_of_others_and_a_file_for_its_history()
    {
        var app = await package.GetAppAsync(options: PackagesOfOthers);
        await app.BuildAsync(); // so that nobody else builds it at the same time

        var results = await Tool.DotnetAsync(app.Folder, "test", "--output", "Detailed");

        Assert.Contains("passed MyApp.Tests.SecurityTests.", results, StringComparison.Ordinal);
        Assert.Contains("failed: 0", results, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Category", "Matrix")]
    [InlineData("MyApp", "")]
    [InlineData("a & b", "")]
    public async Task Its_format_is_what_its_own_checks_ask_for(string name, string options)
    {
        var app = await package.GetAppAsync(name, options);
        await app.BuildAsync();

        await Tool.DotnetAsync(app.Folder, "format", "--verify-no-changes", "--no-restore");
    }

    [Fact]
    public async Task It_has_at_most_50_files_besides_the_packages()
    {
        var app = await package.GetAppAsync();

        Assert.InRange(app.Texts.Count(), 30, 50);
    }
}
