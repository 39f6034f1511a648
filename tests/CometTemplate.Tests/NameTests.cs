using System.Text.Json;
using System.Text.RegularExpressions;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Any name builds: the namespaces of an app meet no keyword and no type, and its assembly no other.</summary>
[Trait("Category", "Matrix")]
public partial class NameTests(TemplatePackage package)
{
    [Theory]
    [InlineData("System", "_System")]
    [InlineData("Comet.AspNetCore", "_Comet.AspNetCore")]
    [InlineData("microsoft.playwright", "_microsoft.playwright")]
    [InlineData("Newtonsoft.Json", "_Newtonsoft.Json")]
    [InlineData("Program", "_Program")]
    [InlineData("App", "App")]
    [InlineData("event", "_event")]
    [InlineData("Contoso.Clock.record", "Contoso._Clock._record")]
    [InlineData("日本語", "日本語")]
    [InlineData("a..😀", "a.__")]
    public async Task It_builds_and_runs(string name, string space)
    {
        var app = await package.CreateAppAsync(name);

        await app.BuildAsync();

        Assert.Contains($"namespace {space}.Controllers;", app.Read($"src/{name}/Controllers/HomeController.cs"), StringComparison.Ordinal);
        await using var running = await RunningApp.StartAsync(app);
        await running.AssertAnswersAsync();
        await running.AssertStreamsAsync();
    }

    // A failure names a word that the template's forms lack.
    [Theory]
    [InlineData("")]
    [InlineData("--store sqlite --security-headers netescapades --telemetry otlp --razor-runtime-compilation")]
    public async Task Every_word_of_the_code_may_be_one_of_the_name(string options)
    {
        var app = await package.CreateAppAsync(options: options);
        await Tool.DotnetAsync(app.Folder, "restore");
        await app.AddFeedAsync(package, "Quotes");
        await app.AddFeedAsync(package, "Rooms", "--keyed");
        var escape = await NamespaceAsync();
        var words = app.FindFiles().Where(IsCode).SelectMany(file => Word().Matches(app.Read(file))).Select(match => match.Value)
            .Where(word => word != "MyApp" && !OfFeed().IsMatch(word)).Distinct().Order(StringComparer.Ordinal).Select(escape).ToList();
        // Code meets the namespaces inside of its own as it meets a part of its own; at the root, Program.cs meets them, too.
        var namespaces = string.Concat(words.Select(word => $"namespace MyApp.{word} {{ internal static class Part; }}\n"));
        var roots = string.Concat(words.Select(word => $"namespace {word} {{ internal static class Root; }}\n"));

        await File.WriteAllTextAsync(Path.Combine(app.ProjectFolder, "Names.cs"), namespaces + roots);
        await File.WriteAllTextAsync(Path.Combine(app.Folder, "tests", "MyApp.Tests", "Names.cs"), namespaces);

        await app.BuildAsync();
    }

    private static bool IsCode(string file) =>
        (file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".cshtml", StringComparison.Ordinal)) &&
        !file.Contains("/obj/", StringComparison.Ordinal);

    /// <summary>What the template makes of a word of a name.</summary>
    private static async Task<Func<string, string>> NamespaceAsync()
    {
        await using var template = File.OpenRead(Path.Combine(TemplatePackage.Repository, ".template.config", "template.json"));
        using var json = await JsonDocument.ParseAsync(template, new() { CommentHandling = JsonCommentHandling.Skip });
        var forms = json.RootElement.GetProperty("forms");
        var patterns = forms.GetProperty("namespace").GetProperty("steps").EnumerateArray()
            .Select(step => forms.GetProperty(step.GetString()!))
            .Where(form => form.TryGetProperty("pattern", out _))
            .Select(form => form.GetProperty("pattern").GetString()!)
            .ToList();
        return word => patterns.Aggregate(word, (name, pattern) => Regex.Replace(name, pattern, "_$&"));
    }

    [GeneratedRegex(@"\b\p{Lu}\w*")]
    private static partial Regex Word();

    // An owner who calls the app as a type of a feed has chosen both names.
    [GeneratedRegex("^(Quotes|Rooms).")]
    private static partial Regex OfFeed();
}
