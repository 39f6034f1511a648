using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Every option gives its files: those of content/ in version control, less what it goes without, and the packages.</summary>
[Trait("Category", "Matrix")]
public class FileListTests(TemplatePackage package)
{
    [Theory]
    [InlineData("")]
    [InlineData("--store memory --security-headers builtin --telemetry none -f net10.0")]
    [InlineData("--store sqlite")]
    [InlineData("--store rabbitmq")]
    [InlineData("--telemetry otlp")]
    [InlineData("--security-headers netescapades")]
    [InlineData("--security-headers nwebsec")]
    [InlineData("--razor-runtime-compilation")]
    [InlineData("--no-https")]
    [InlineData("--no-tests", "tests/ global.json")]
    [InlineData("--no-tests --store sqlite", "tests/ global.json")]
    public async Task Every_option_gives_exactly_its_files(string options, string without = "")
    {
        var app = await package.GetAppAsync(options: options);

        var expected = (await TrackedFilesAsync()).Where(file => !Split(without).Any(path => IsIn(file, path)))
            .Concat(package.Library.Select(file => $"packages/{Path.GetFileName(file)}"));
        Assert.Equal(expected.Order(StringComparer.Ordinal), app.Files);
    }

    [Fact]
    public async Task The_packages_are_those_that_were_packed()
    {
        var app = await package.GetAppAsync();

        Assert.Equal(4, package.Library.Count);
        Assert.All(package.Library, file =>
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(app.Folder, "packages", Path.GetFileName(file)))));
    }

    private static async Task<IEnumerable<string>> TrackedFilesAsync()
    {
        var (code, output) = await Tool.RunAsync(Path.Combine(TemplatePackage.Repository, "content"), "git", "ls-files");
        Assert.Equal(0, code);
        return output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)
            .Select(file => file.Replace("CometApp", "MyApp", StringComparison.Ordinal));
    }

    private static bool IsIn(string file, string path) =>
        path.EndsWith('/') ? file.StartsWith(path, StringComparison.Ordinal) : file == path;

    private static string[] Split(string paths) => paths.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
