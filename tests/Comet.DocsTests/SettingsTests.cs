using System.Globalization;
using System.Reflection;
using Comet.AspNetCore;
using Comet.DocsTests.Documents;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.DocsTests;

/// <summary>The tables of docs/operations.md and docs/scaling.md say what the options classes and their validators do.</summary>
public sealed class SettingsTests : IDisposable
{
    private const string FeedName = "feed";

    private readonly ServiceProvider _services;

    public SettingsTests()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:RabbitMQ", "amqp://guest:guest@localhost:5672/")])
            .Build());
        services.AddLogging().AddFeed<string>(FeedName).AddCometRabbitMQ();
        _services = services.BuildServiceProvider();
    }

    public void Dispose() => _services.Dispose();

    [Theory]
    [InlineData("docs/operations.md", typeof(CometOptions))]
    [InlineData("docs/operations.md", typeof(FeedOptions))]
    [InlineData("docs/scaling.md", typeof(RabbitMQStoreOptions))]
    public void Every_setting_stands_there_with_its_default(string document, Type options)
    {
        var documented = RowsOf(document, options).Select(row => $"{row.Key} = {row.Default}");
        var untouched = Activator.CreateInstance(options);

        var real = SettingsOf(options).Select(setting => $"{setting.Name} = {Format(setting.GetValue(untouched))}");

        Assert.Equal(real.Order(), documented.Order());
    }

    [Theory]
    [InlineData("docs/operations.md", typeof(CometOptions))]
    [InlineData("docs/operations.md", typeof(FeedOptions))]
    [InlineData("docs/scaling.md", typeof(RabbitMQStoreOptions))]
    public void Every_range_is_the_one_that_is_checked(string document, Type options)
    {
        var check = typeof(SettingsTests)
            .GetMethod(nameof(IsValid), BindingFlags.NonPublic | BindingFlags.Instance)!
            .MakeGenericMethod(options);
        var wrong = new List<string>();
        var ranges = 0;
        foreach (var row in RowsOf(document, options).Where(row => row.Range.Contains('`', StringComparison.Ordinal)))
        {
            var setting = options.GetProperty(row.Key)!;
            var ends = row.Range.Split('`').Where((_, index) => index % 2 == 1).Select(text => Parse(setting.PropertyType, text)).ToArray();
            ranges++;
            Expect(ends[0], true);
            if (row.Range.Contains(',', StringComparison.Ordinal))
            {
                continue; // values, not ends
            }
            Expect(Beyond(ends[0], -1), false);
            if (ends.Length == 2)
            {
                Expect(ends[1], true);
                Expect(Beyond(ends[1], 1), false);
            }

            void Expect(object value, bool isValid)
            {
                if ((bool)check.Invoke(this, [setting, value])! != isValid)
                {
                    wrong.Add($"{row.Key} = {value} is {(isValid ? "refused" : "taken")}");
                }
            }
        }

        Assert.Empty(wrong);
        Assert.NotEqual(0, ranges);
    }

    private static IEnumerable<(string Key, string Default, string Range)> RowsOf(string document, Type options) =>
        Document.Get(document).TableAfter($"<!-- settings: {options.Name} -->").Select(row => (row[0].Trim('`'), row[1].Trim('`'), row[2]));

    // What configuration can hold; the connection string has a key of its own.
    private static IEnumerable<PropertyInfo> SettingsOf(Type options) =>
        options.GetProperties().Where(property => property.Name != "ConnectionString" && IsScalar(property.PropertyType));

    private static bool IsScalar(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(TimeSpan);
    }

    private static string Format(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static object Parse(Type type, string text)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(TimeSpan) ? TimeSpan.Parse(text, CultureInfo.InvariantCulture)
            : type.IsEnum ? Enum.Parse(type, text)
            : Convert.ChangeType(text, type, CultureInfo.InvariantCulture);
    }

    private static object Beyond(object end, int direction) => end switch
    {
        TimeSpan time => time + TimeSpan.FromMilliseconds(direction),
        int number => number + direction,
        long number => number + direction,
        _ => throw new ArgumentException($"A range of {end.GetType()}.", nameof(end)),
    };

    private bool IsValid<T>(PropertyInfo setting, object value) where T : class
    {
        var name = typeof(T) == typeof(FeedOptions) ? FeedName : Options.DefaultName;
        var options = _services.GetRequiredService<IOptionsMonitor<T>>().Get(name);
        var before = setting.GetValue(options);
        setting.SetValue(options, value);
        var isValid = _services.GetServices<IValidateOptions<T>>().All(validator => !validator.Validate(name, options).Failed);
        setting.SetValue(options, before);
        return isValid;
    }
}
