using System.Text.RegularExpressions;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests.Apps;

/// <summary>
/// An app to which its owner has added what does not interact: a store, output caching, a path base, and feeds with difficult names.
/// It is built once for all tests of what was added.
/// </summary>
internal static class ExtendedApp
{
    private static readonly (string Name, string Options)[] Feeds =
    [
        ("Quotes", ""), ("Controller", ""), ("Feed", ""), ("Model", ""), ("Task", ""), ("event", ""), ("http", ""),
        ("Rooms", "--keyed"), ("String", "--keyed"), ("View", "--keyed"),
    ];

    internal static async Task<GeneratedApp> CreateAsync(TemplatePackage package)
    {
        var app = await package.CreateAppAsync("Small", "--no-tests");
        var store = Regex.Match(app.Read("README.md"), @"\| `(<PackageReference Include=""Comet.AspNetCore.Sqlite"".*)` \| `(.*)` \|");
        await app.ReplaceAsync("Small.csproj", "<ItemGroup>\n", $"<ItemGroup>\n{store.Groups[1].Value}\n");
        await app.ReplaceAsync("Program.cs", "AddComet();\n", $"AddComet();\n{store.Groups[2].Value}\n");
        await app.ReplaceAsync("Program.cs", "var app = builder.Build();",
            "builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromMinutes(1))));\n" +
            "var app = builder.Build();\napp.UsePathBase(\"/tools\");");
        await app.ReplaceAsync("Program.cs", "app.UseRouting();", "app.UseRouting();\napp.UseOutputCache();");
        await app.ReplaceAsync("Controllers/ClockController.cs", "    [HttpGet(\"stream\")",
            "    [HttpGet(\"cached\"), Microsoft.AspNetCore.OutputCaching.OutputCache(Duration = 60)]\n" +
            "    public string Cached() => Guid.NewGuid().ToString();\n\n    [HttpGet(\"stream\")");
        await File.WriteAllTextAsync(Path.Combine(app.ProjectFolder, "Controllers", "AddedController.cs"), """
            using Microsoft.AspNetCore.Mvc;

            public sealed class AddedController : Controller
            {
                [HttpPost("/added")]
                public string Post() => "Posted.";
            }
            """);
        await Tool.DotnetAsync(app.ProjectFolder, "restore");
        foreach (var (name, options) in Feeds)
        {
            await app.AddFeedAsync(package, name, options);
        }
        await app.BuildAsync();
        return app;
    }

    internal static async Task<RunningApp> StartAsync(TemplatePackage package) =>
        await RunningApp.StartAsync(await package.GetExtendedAppAsync(), package.OwnDatabase());
}
