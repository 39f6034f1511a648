using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Every option gives exactly its files: those of content/ in version control, less what belongs to other options.</summary>
public class FileListTests(TemplatePackage package)
{
    private const string Sqlite = "src/Comet.AspNetCore.Sqlite/ tests/Comet.AspNetCore.Stores.Tests/Sqlite/";
    private const string RabbitMQ = "src/Comet.AspNetCore.RabbitMQ/ tests/Comet.AspNetCore.RabbitMQ.Tests/";
    private const string Stores = $"{Sqlite} {RabbitMQ} tests/Comet.AspNetCore.Tests.Conformance/DurableStoreTests.cs";
    private const string Otlp = "src/MyApp/Telemetry/";

    [Theory]
    [InlineData("", $"{Stores} {Otlp}")]
    [InlineData("--store memory --security-headers builtin --telemetry none -f net10.0", $"{Stores} {Otlp}")]
    [InlineData("--store sqlite", $"{RabbitMQ} {Otlp}")]
    [InlineData("--store rabbitmq", $"{Sqlite} {Otlp}", "src/MyApp/appsettings.Development.json")]
    [InlineData("--telemetry otlp", Stores)]
    [InlineData("--security-headers nwebsec", $"{Stores} {Otlp}")]
    [InlineData("--razor-runtime-compilation", $"{Stores} {Otlp}")]
    [InlineData("--no-https", $"{Stores} {Otlp}")]
    [InlineData("--no-tests", $"{Stores} {Otlp} tests/ global.json Directory.Packages.props")]
    [InlineData("--no-tests --store sqlite", $"{RabbitMQ} {Otlp} tests/ global.json")]
    public async Task Every_option_gives_exactly_its_files(string options, string without, string with = "")
    {
        var app = await package.GetAppAsync(options: options);

        var expected = (await TrackedFilesAsync()).Where(file => !Split(without).Any(path => IsIn(file, path))).Concat(Split(with));
        Assert.Equal(expected.Order(StringComparer.Ordinal), app.Files);
    }

    private static async Task<IEnumerable<string>> TrackedFilesAsync()
    {
        var (code, output) = await Tool.RunAsync(Path.Combine(TemplatePackage.Repository, "content"), "git", "ls-files");
        Assert.Equal(0, code);
        return output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Select(file => file.Replace("CometApp", "MyApp"));
    }

    private static bool IsIn(string file, string path) => path.EndsWith('/') ? file.StartsWith(path, StringComparison.Ordinal) : file == path;

    private static string[] Split(string paths) => paths.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
