using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What <c>dotnet new comet-feed</c> adds to an app, and where it adds nothing.</summary>
[Trait("Category", "Matrix")]
public partial class FeedTests(TemplatePackage package, FeedTests.RestoredApp restored) : IClassFixture<FeedTests.RestoredApp>
{
    [Theory]
    [InlineData("stock-prices", "StockPrices", "", "Feeds/StockPricesSource.cs")]
    [InlineData("chat-rooms", "ChatRooms", "--keyed", "Models/ChatRoomsForm.cs")]
    public async Task It_adds_exactly_its_files(string feed, string type, string options, string ofThisKind)
    {
        var app = restored.App;
        var before = app.FindFiles();

        await app.AddFeedAsync(package, feed, options);

        string[] expected =
        [
            $"src/my-app/Controllers/{type}Controller.cs", $"src/my-app/Models/{type}Message.cs",
            $"src/my-app/Views/{type}/Index.cshtml", $"src/my-app/wwwroot/js/{feed}.js",
            $"tests/my-app.Tests/{type}Tests.cs", $"src/my-app/{ofThisKind}",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), app.FindFiles().Except(before));
    }

    [Fact]
    public async Task In_an_app_without_tests_it_has_none_and_the_app_runs_also_under_a_path_base()
    {
        var app = await package.GetExtendedAppAsync();
        await using var running = await ExtendedApp.StartAsync(package);

        Assert.DoesNotContain(app.FindFiles(), file => file.EndsWith("Tests.cs", StringComparison.Ordinal));
        await running.AssertAnswersHeadAsync("/quotes");
        await running.AssertAnswersHeadAsync("/rooms/red");
        await running.AssertAnswersHeadAsync("/tools/quotes/stream");
        await running.AssertAnswersHeadAsync("/tools/rooms/red/stream");
        foreach (var page in new[] { "/tools/quotes", "/tools/rooms/red" })
        {
            var html = await running.Client.GetStringAsync(page);
            Assert.Contains($"data-stream=\"{page}/stream\"", html, StringComparison.Ordinal);
            Assert.All(Address().Matches(html), address => Assert.StartsWith("/tools/", address.Groups[1].Value, StringComparison.Ordinal));
        }
        await running.ReadAsync("/tools/quotes/stream", 1);
        await running.PostAsync("/tools/rooms/red", "Red is here.");
        var message = Assert.Single(await running.ReadAsync("/tools/rooms/red/stream", 1, "earliest"));
        Assert.Equal("Red is here.", message.Value.GetProperty("text").GetString());
    }

    [Fact]
    public async Task What_it_accepts_compiles()
    {
        var app = await package.GetExtendedAppAsync();

        // Every type that one of a feed could meet: of the namespaces that its files, Program.cs and the project import.
        var namespaces = app.FindFiles().Except(app.Files).Append("src/Small/Program.cs")
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".cshtml", StringComparison.Ordinal))
            .SelectMany(file => Using().Matches(app.Read(file)).Select(match => match.Groups[1].Value))
            .Concat(["Microsoft.AspNetCore.Mvc.Rendering", "Microsoft.AspNetCore.Mvc.ViewFeatures"])
            .ToHashSet();
        var types = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => Path.GetFileName(file) is var name &&
                (name.StartsWith("System.", StringComparison.Ordinal) || name.StartsWith("Microsoft.", StringComparison.Ordinal)))
            .SelectMany(file => Assembly.Load(Path.GetFileNameWithoutExtension(file)).GetExportedTypes())
            .Where(type => !type.IsNested && type.Namespace is not null && namespaces.Contains(type.Namespace))
            .Select(type => OfFeed().Match(type.Name)).Where(match => match.Success).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Contains("EndpointData", types);
        var refused = await RefusedAsync();
        Assert.DoesNotContain(types, type => !refused.Any(pattern => Regex.IsMatch(type, pattern)));
    }

    [Theory]
    [InlineData("Vitals")]
    [InlineData("Page")]
    public async Task What_the_owner_has_is_not_overwritten(string name)
    {
        var app = restored.App;
        var before = app.FindFiles().ToDictionary(file => file, app.Read);

        var (code, output) = await package.TryNewAsync(app.ProjectFolder, "comet-feed", "-n", name);

        Assert.NotEqual(0, code);
        Assert.Contains("--force", output, StringComparison.Ordinal);
        Assert.Equal(before, app.FindFiles().ToDictionary(file => file, app.Read));
    }

    [Theory]
    [InlineData("my feed", "<h1>my feed</h1>")]
    [InlineData("share-prices", "<h1>share prices</h1>")]
    [InlineData("BondPrices", "<h1>Bond Prices</h1>")]
    [InlineData("a & \"b\"", "<h1>a b</h1>")]
    public async Task Its_heading_keeps_the_words_of_its_name(string name, string heading)
    {
        var app = restored.App;
        var before = app.FindFiles();

        await app.AddFeedAsync(package, name);

        var view = app.FindFiles().Except(before).Single(file => file.EndsWith(".cshtml", StringComparison.Ordinal));
        Assert.Contains(heading, app.Read(view), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Größen")]
    [InlineData("HttpRequest")]
    [InlineData("logger")]
    [InlineData("Mvc")]
    [InlineData("endpoint data")]
    [InlineData("IConfiguration")]
    [InlineData("()")]
    [InlineData("Message", "A client's events are named after feeds, and these are its own: open, error, message,")]
    [InlineData("statechange", "A client's events are named after feeds, and these are its own: open, error, message,")]
    [InlineData("live", "Its page would have an address of the app: /health, /live.")]
    [InlineData("Health", "Its page would have an address of the app: /health, /live.")]
    [InlineData("a-name-of-more-than-the-sixty-four-characters-that-a-feed-may-have")]
    public async Task A_name_that_no_feed_can_have_is_refused_with_the_reason_and_nothing_is_written(
        string name, string reason = "A name has at most 64 of the letters a to z, digits and dashes, and makes no type that .NET has,")
    {
        var app = restored.App;
        var before = app.FindFiles();

        var output = await package.NewAsync(app.ProjectFolder, "comet-feed", "--name", name);

        Assert.Contains($"A feed cannot have this name, and nothing was written. {reason}", output, StringComparison.Ordinal);
        Assert.Equal(before, app.FindFiles());
    }

    [Fact]
    public async Task The_events_that_it_refuses_are_those_that_the_library_refuses()
    {
        var library = await File.ReadAllTextAsync(
            Path.Combine(TemplatePackage.Repository, "src", "Comet.AspNetCore", "Hosting", "ReservedFeedNames.cs"));
        var template = await File.ReadAllTextAsync(Path.Combine(TemplatePackage.Repository, "feed", ".template.config", "template.json"));
        var names = ReservedName().Matches(library).Select(match => match.Groups[1].Value).ToList();

        Assert.Contains("open", names);
        Assert.Contains($"\"pattern\": \"^({string.Join('|', names)})$\"", template, StringComparison.Ordinal);
        Assert.Contains($"these are its own: {string.Join(", ", names)}.", template, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_addresses_that_it_refuses_are_those_of_the_app_that_no_feed_has()
    {
        var app = Path.Combine(TemplatePackage.Repository, "content", "src", "CometApp");
        var code = Directory.GetFiles(Path.Combine(app, "Controllers"), "*.cs").Append(Path.Combine(app, "Program.cs"));
        var addresses = code.SelectMany(file => AddressOfApp().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value)
            .ToHashSet();
        // A feed that is there is not overwritten; "error" is an event of clients.
        addresses.ExceptWith(["clock", "vitals", "announcements", "error"]);
        var template = await File.ReadAllTextAsync(Path.Combine(TemplatePackage.Repository, "feed", ".template.config", "template.json"));

        Assert.Contains($"\"pattern\": \"^({string.Join('|', addresses.Order())})$\"", template, StringComparison.Ordinal);
        Assert.Contains($"an address of the app: {string.Join(", ", addresses.Order().Select(address => $"/{address}"))}.", template);
    }

    [Fact]
    public async Task Its_name_is_the_same_whatever_language_the_user_speaks()
    {
        var app = restored.App;

        var output = await Tool.DotnetAsync(
            app.ProjectFolder, [("LC_ALL", "tr_TR.UTF-8")], package.New("comet-feed", "-n", "invoices"));

        Assert.Contains("AddFeed<InvoicesMessage>(\"invoices\");", output, StringComparison.Ordinal);
        Assert.Contains("\"parent.invoicesChanged\"", app.Read("src/my-app/Controllers/InvoicesController.cs"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_an_app_it_writes_nothing_and_says_why()
    {
        var folder = package.CreateFolder();

        var output = await package.NewAsync(folder, "comet-feed", "-n", "Quotes");

        Assert.Contains("nothing was written: run this in the folder of the app's .csproj", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public async Task In_the_folder_of_the_tests_it_writes_nothing_and_says_where_to_go()
    {
        var app = restored.App;
        var tests = Path.Combine(app.Folder, "tests", "my-app.Tests");
        var before = app.FindFiles();

        var output = await package.NewAsync(tests, "comet-feed", "-n", "Quotes");

        Assert.Contains("nothing was written: run this in the folder of the app's .csproj", output, StringComparison.Ordinal);
        Assert.Equal(before, app.FindFiles());
    }

    /// <summary>The patterns of names whose types would meet others.</summary>
    private static async Task<IReadOnlyList<string>> RefusedAsync()
    {
        await using var template = File.OpenRead(Path.Combine(TemplatePackage.Repository, "feed", ".template.config", "template.json"));
        using var json = await JsonDocument.ParseAsync(template, new() { CommentHandling = JsonCommentHandling.Skip });
        return
        [
            .. json.RootElement.GetProperty("symbols").EnumerateObject()
                .Where(symbol => symbol.Name.StartsWith("MeetsType", StringComparison.Ordinal))
                .Select(symbol => symbol.Value.GetProperty("parameters").GetProperty("pattern").GetString()!),
        ];
    }

    /// <summary>An app that was restored and not built: each test adds feeds that no other one adds, or nothing.</summary>
    public sealed class RestoredApp(TemplatePackage package) : IAsyncLifetime
    {
        internal GeneratedApp App { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            App = await package.CreateAppAsync("my-app");
            await Tool.DotnetAsync(App.Folder, "restore");
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [GeneratedRegex(@"^ +""(\w+)"",?(?:\);)?\r?$", RegexOptions.Multiline)]
    private static partial Regex ReservedName();

    [GeneratedRegex(@"(?:Route|Http[A-Z]\w+|Map[A-Z]\w+)\(""/([\w-]+)")]
    private static partial Regex AddressOfApp();

    [GeneratedRegex("(?:src|href|action)=\"(/[^\"]*)\"")]
    private static partial Regex Address();

    [GeneratedRegex(@"^(?:global |@)?using (?:global::)?([\w.]+);?$", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("^(.+)(?:Message|Source|Form|Controller)$")]
    private static partial Regex OfFeed();
}
