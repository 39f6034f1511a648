using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>Whatever the name and the options, the solution builds without a warning.</summary>
public class BuildTests(TemplatePackage package)
{
    // Names and options are paired: each builds at least once, and the whole stays quick.
    [Theory]
    [InlineData("MyApp", "")]
    [InlineData("my-app", "--store sqlite")]
    [InlineData("My.App", "--store rabbitmq")]
    [InlineData("1App", "--telemetry otlp")]
    [InlineData("Comet", "--no-https")]
    [InlineData("a & b", "")]
    [InlineData("Small", "--no-tests")]
    [InlineData("Shared", "--no-tests --store rabbitmq --telemetry otlp")]
    public async Task It_builds(string name, string options)
    {
        var app = await package.GetAppAsync(name, options);

        var output = await app.BuildAsync();

        Assert.Contains("0 Warning(s)", output, StringComparison.Ordinal);
        Assert.True(File.Exists(app.Assembly), $"{app.Assembly} is not there.");
    }
}
