using System.Text;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What a user reads in a generated app was written for that app.</summary>
[Trait("Category", "Matrix")]
public class TextTests(TemplatePackage package)
{
    private static readonly string[] LeftOvers =
    [
        "CometApp", "cometapp", "Comet App", "//#if", "#if (", "<!--#", "cnd:noEmit", "VALUE-FORMS", "localhost:5000", "localhost:7000",
    ];

    private static readonly string[] Options =
        ["sqlite", "rabbit", "netescapades", "nwebsec", "otlp", "opentelemetry.", "runtimecompilation"];

    [Theory]
    [InlineData("MyApp", "")]
    [InlineData("my-app", "--store sqlite")]
    [InlineData("My.App", "--store rabbitmq")]
    [InlineData("1App", "--telemetry otlp --no-tests")]
    [InlineData("a & b", "")]
    [InlineData("MyApp", "--security-headers netescapades")]
    [InlineData("MyApp", "--security-headers nwebsec")]
    [InlineData("MyApp", "--razor-runtime-compilation")]
    [InlineData("MyApp", "--no-https")]
    [InlineData("MyApp", "--no-tests")]
    public async Task No_text_of_the_template_is_left(string name, string options)
    {
        var app = await package.GetAppAsync(name, options);

        Assert.All(app.Texts, file =>
        {
            var text = app.Read(file);
            Assert.All(LeftOvers, word => Assert.DoesNotContain(word, text + file, StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task Without_options_there_is_no_trace_of_them()
    {
        var app = await package.GetAppAsync();

        // The README tells how to add a store later.
        Assert.All(app.Texts.Where(file => file != "README.md"), file =>
        {
            var text = app.Read(file);
            Assert.All(Options, word => Assert.DoesNotContain(word, text + file, StringComparison.OrdinalIgnoreCase));
        });
    }

    [Fact]
    public async Task All_text_is_UTF8_with_line_feeds_and_no_byte_order_mark()
    {
        var app = await package.GetAppAsync();
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        Assert.All(app.Texts, file =>
        {
            var text = utf8.GetString(File.ReadAllBytes(Path.Combine(app.Folder, file)));
            Assert.False(text.StartsWith('\uFEFF'), "starts with a byte order mark");
            Assert.DoesNotContain('\r', text);
            Assert.EndsWith("\n", text);
        });
    }

    [Theory]
    [InlineData("--store sqlite", "src/MyApp/Program.cs", "builder.Services.AddCometSqlite();")]
    [InlineData("--store sqlite", "src/MyApp/appsettings.json", "\"Comet\": \"Data Source=comet.db\"")]
    [InlineData("--store rabbitmq", "src/MyApp/Program.cs", "builder.Services.AddCometRabbitMQ();")]
    [InlineData("--store rabbitmq", "src/MyApp/appsettings.Development.json", "\"RabbitMQ\": \"amqp://")]
    [InlineData("--store sqlite", "src/MyApp/MyApp.csproj", "Include=\"Comet.AspNetCore.Sqlite\" Version=\"$(CometVersion)\" />")]
    [InlineData("--store rabbitmq", "src/MyApp/MyApp.csproj", "Include=\"Comet.AspNetCore.RabbitMQ\" Version=\"$(CometVersion)\" />")]
    [InlineData("--telemetry otlp", "src/MyApp/MyApp.csproj", "Include=\"OpenTelemetry.Extensions.Hosting\" Version=\"1.20.1\" />")]
    [InlineData("--telemetry otlp", "src/MyApp/Program.cs", ".UseOtlpExporter();")]
    [InlineData("--security-headers netescapades", "src/MyApp/Security/SecurityHeaders.cs", ".AddContentSecurityPolicy(")]
    [InlineData("--security-headers nwebsec", "src/MyApp/MyApp.csproj", "Include=\"NWebsec.AspNetCore.Middleware\" Version=\"3.0.0\" />")]
    [InlineData("--security-headers nwebsec", "src/MyApp/Security/SecurityHeaders.cs", ".UseCsp(")]
    [InlineData("--razor-runtime-compilation", "src/MyApp/Program.cs", "#if DEBUG\nmvc.AddRazorRuntimeCompilation();\n#endif")]
    [InlineData("--razor-runtime-compilation", "src/MyApp/MyApp.csproj",
        "Include=\"Microsoft.AspNetCore.Mvc.Razor.RuntimeCompilation\" Version=\"10.0.15\"")]
    [InlineData("--kestrelHttpPort 5432 --kestrelHttpsPort 7654", "src/MyApp/Properties/launchSettings.json",
        "\"https://localhost:7654;http://localhost:5432\"")]
    public async Task An_option_does_what_it_says(string options, string file, string text)
    {
        var app = await package.GetAppAsync(options: options);

        Assert.Contains(text, app.Read(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_HTTPS_nothing_leads_to_it()
    {
        var app = await package.GetAppAsync(options: "--no-https");

        Assert.DoesNotContain("Https", app.Read("src/MyApp/Program.cs"), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Hsts", app.Read("src/MyApp/Program.cs"), StringComparison.Ordinal);
        Assert.DoesNotContain("https://localhost", app.Read("src/MyApp/Properties/launchSettings.json"), StringComparison.Ordinal);
    }
}
